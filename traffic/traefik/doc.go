// Package traefik splits traffic by a weighted service of Traefik: on Kubernetes
// a TraefikService (traefik.io/v1alpha1), elsewhere a file of its own in the
// folder that Traefik's file provider watches. Where the URL of Traefik's API is
// given, a change counts as made once Traefik serves it.
package traefik
