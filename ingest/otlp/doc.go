// Package otlp takes what OpenTelemetry's SDKs and collectors send: metrics,
// which become samples, and traces, whose spans of servers and consumers become
// events. It decodes both from protobuf, and serves the two receivers of the
// protocol, over HTTP (protobuf or JSON) and over gRPC.
//
// Metrics are named and labelled as Prometheus does with what it gets by OTLP;
// its own translator does it. The resource's service.name, service.version and
// deployment environment are labels of every series besides: service, version
// and environment.
package otlp
