// Package gatewayapi splits traffic by the weights of an HTTPRoute or a
// GRPCRoute (gateway.networking.k8s.io/v1), whatever implements the Gateway
// API: the object is changed, and the change counts as made once every parent
// of the route has accepted it.
//
// Of the user's route only weights are changed. What a release asks for beside
// weights is added and taken away again: rules for testers, which bear names of
// ours, and a filter that mirrors.
package gatewayapi
