// Package kubernetes splits traffic without any router, by the replicas of two
// Deployments behind one Service: with 9 pods of the baseline and 1 of the
// candidate, each as likely to be asked as any other, the candidate gets a tenth.
//
// Weights are therefore as coarse as there are pods. A raise never takes a pod
// away before its successor is ready, and a step down takes the candidate's pods
// away at once.
package kubernetes
