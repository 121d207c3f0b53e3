package otlp

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// window is how much of a call is taken before it is read, in bytes: what is set
// does not grow.
const window = 64 << 10

// NewServer is a gRPC server with the services of the protocol, which reads as many
// requests at once, and each for as long, as the configuration says. Whoever asks
// for it serves and stops it.
func NewServer(c Config, options ...grpc.ServerOption) *grpc.Server {
	most := c.Most
	if most == 0 {
		most = post.Most
	}
	options = append(options, grpc.ForceServerCodecV2(bytesCodec{}), grpc.MaxRecvMsgSize(int(most)),
		grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(16*window))
	if c.AtOnce > 0 {
		options = append(options, grpc.InTapHandle(crowded(c.AtOnce, c.Timeout)))
	}
	var turns chan struct{}
	if c.Reading > 0 {
		turns = make(chan struct{}, c.Reading)
	}
	server := grpc.NewServer(options...)
	for _, s := range signals {
		server.RegisterService(&grpc.ServiceDesc{
			ServiceName: s.service,
			Streams:     []grpc.StreamDesc{{StreamName: "Export", Handler: c.method(s, turns), ClientStreams: true}},
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
// here. It is a stream of one message, since what grpc takes for a unary call it
// has read before anybody is asked; what of a stream is not read yet takes no more
// than its window.
func (c Config) method(s signal, turns chan struct{}) grpc.StreamHandler {
	return func(_ any, stream grpc.ServerStream) error {
		body, err := c.read(stream, turns)
		if err != nil {
			return err
		}
		if c.Room != nil {
			give, err := c.Room.Take(len(body))
			if err != nil {
				return rpcError(err)
			}
			defer give()
		}
		answer, err := c.export(stream.Context(), s, body)
		if err != nil {
			return err
		}
		return stream.SendMsg(answer)
	}
}

// read reads the message of a call when it is its turn.
func (c Config) read(stream grpc.ServerStream, turns chan struct{}) (body []byte, err error) {
	if turns != nil {
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
		case <-stream.Context().Done():
			return nil, rpcError(item.Busy{After: time.Second})
		}
	}
	if err := stream.RecvMsg(&body); errors.Is(err, io.EOF) {
		return nil, status.Error(codes.InvalidArgument, "the call ends without a request")
	} else if err != nil {
		return nil, err
	}
	return body, nil
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
