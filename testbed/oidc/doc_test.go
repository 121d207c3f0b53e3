// Package oidc has people log in to Linnet at a real provider of OpenID Connect,
// by browser and by device.
package oidc
