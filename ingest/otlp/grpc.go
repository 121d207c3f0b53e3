package otlp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // senders may compress with it
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/post"
	"github.com/linnet-project/linnet/release"
)

// NewServer is a gRPC server with the services of the protocol, which reads as many
// requests at once, and each for as long, as the configuration says. Whoever asks
// for it serves and stops it.
func NewServer(c Config, options ...grpc.ServerOption) *grpc.Server {
	most := c.Most
	if most == 0 {
		most = post.Most
	}
	options = append(options, grpc.ForceServerCodecV2(bytesCodec{}), grpc.MaxRecvMsgSize(int(most)))
	if c.AtOnce > 0 {
		options = append(options, grpc.InTapHandle(crowded(c.AtOnce, c.Timeout)))
	}
	server := grpc.NewServer(options...)
	for _, s := range signals {
		server.RegisterService(&grpc.ServiceDesc{
			ServiceName: s.service,
			Methods:     []grpc.MethodDesc{{MethodName: "Export", Handler: c.method(s)}},
		}, nil)
	}
	return server
}

// crowded turns requests away before anything of them is read while many are under
// way, over all connections. grpc ends the context of a request with the request.
func crowded(most int, timeout time.Duration) tap.ServerInHandle {
	room := make(chan struct{}, most)
	return func(request context.Context, _ *tap.Info) (context.Context, error) {
		select {
		case room <- struct{}{}:
		default:
			return request, rpcError(item.Busy{After: time.Second})
		}
		ctx, cancel := request, context.CancelFunc(func() {})
		if timeout > 0 {
			ctx, cancel = context.WithTimeout(request, timeout)
		}
		context.AfterFunc(request, func() {
			cancel()
			<-room
		})
		return ctx, nil
	}
}

// method is a signal's Export. A batch is kept as it came, so nothing is decoded
// here.
func (c Config) method(s signal) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		var body []byte
		if err := decode(&body); err != nil {
			return nil, err
		}
		export := func(ctx context.Context, _ any) (any, error) { return c.export(ctx, s, body) }
		if intercept == nil {
			return export(ctx, nil)
		}
		return intercept(ctx, &body, &grpc.UnaryServerInfo{FullMethod: "/" + s.service + "/Export"}, export)
	}
}

func (c Config) export(ctx context.Context, s signal, body []byte) (*[]byte, error) {
	sender := "otlp/grpc"
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		sender = post.Sender(sender, p.Addr.String())
	}
	said := ""
	if values := metadata.ValueFromIncomingContext(ctx, post.TenantHeader); len(values) > 0 {
		said = values[0]
	}
	tenant, err := post.Tenant(said)
	if err != nil {
		return nil, rpcError(err)
	}
	receipt, err := c.Receiver.Receive(ctx, item.Batch{Tenant: tenant, Sender: sender, Format: s.format, Body: body})
	if err != nil {
		return nil, rpcError(err)
	}
	answer := response(receipt)
	return &answer, nil
}

// rpcError gives an error its code. A full door says when to come again.
func rpcError(err error) error {
	var busy item.Busy
	switch {
	case errors.As(err, &busy):
		said := status.New(codes.ResourceExhausted, err.Error())
		if with, err := said.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(busy.After)}); err == nil {
			said = with
		}
		return said.Err()
	case errors.Is(err, release.ErrInvalid):
		return status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	}
	return status.Error(codes.Unavailable, err.Error())
}

// bytesCodec hands messages over as the bytes that they are.
type bytesCodec struct{}

// Name implements encoding.CodecV2.
func (bytesCodec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*b)}, nil
}

// Unmarshal implements encoding.CodecV2.
func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("%T is no bytes", v)
	}
	*b = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = bytesCodec{}
