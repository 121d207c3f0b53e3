package journal

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"

	"github.com/linnet-project/linnet/release"
)

// formNow is the number of the stored form that is written: canonical JSON,
// deflated with the dictionary below.
const formNow = 1

// dictionary holds what most records have in common, commonest last. It is
// part of form 1: changing it makes every stored record unreadable.
const dictionary = `"NaN","+Inf","-Inf","name":"service":"hash":"arms":"steps":"start":"metrics":"every":"delay":` +
	`"warm":"blind":"alpha":"over":"watch":"recovery":"lease":"links":"guardrail","warning","sequential","deviation",` +
	`"ratio","count","histogram","gauge","higher","lower",` +
	`{"notify":{"id":{"r":"","n":{"id":"","r":"","u":"inform","u":"page","t":"","x":"` +
	`"f":[{"route":{"id":{"r":"","a":1,"s":"i":0},"r":{"s":"` +
	`"e":{"cmd":{"t":"","id":"","v":"pause","v":"resume","v":"advance","v":"approve","v":"abort","w":"","r":"` +
	`"k":"start","k":"advance","k":"hold","k":"step-back","k":"correct","k":"roll-back","k":"promote","k":"finish",` +
	`"harm-found","limit-broken","harm-excluded","no-data","source-down","too-few-samples","within-deviation",` +
	`"warming up","shifting","promoting","rolling back","watching after promotion","watching recovery",` +
	`"p":[{"m":"","r":{"c":"no-data","t":""}}],"wn":["","x":["` +
	`{"t":"","e":{"ack":{"t":"","f":{"r":"","a":1,"s":"i":0}}},"d":{"t":"","k":"stay","p":"observing","s":1,"w":1000,"r":{"c":"weight-set","t":"` +
	`"b":[0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,"+Inf"],"s":[{"v":[{"c":[0,0,0,0,0,0,0,0,0]},{"a":1,"c":[0,0,0,0,0]}]}]},` +
	`{"m":"","s":[{"v":[{"p":[0.},{"a":1,"p":[0.]}]}]},{"m":"latency","b":[` +
	`"n":{"r":{"s":"","w":[{"a":"baseline","w":99000},{"a":"candidate","w":1000}],"k":"","e":1,"o":"","l":30000000000}}}},` +
	`"d":{"t":"20","k":"stay","p":"observing","s":1,"w":1000,"r":{"c":"collecting","t":"` +
	`"g":{"o":"wait","o":"pass","c":"","m":"errors","e":-0.,"h":4.605170,"f":true}}}` +
	`{"t":"2026-","e":{"look":{"t":"2026-","w":{"f":"2026-","t":"2026-"},"a":["baseline","candidate"],` +
	`"o":[{"m":"errors","s":[{"v":[{"e":1,"o":1000},{"a":1,"e":1,"o":1000}]}]},{"m":"","s":[{"g":"region=","v":[{"o":`

// packer turns canonical bytes into what a row holds. It serves one goroutine
// at a time.
type packer struct {
	out    bytes.Buffer
	writer *flate.Writer
}

func (p *packer) pack(body []byte) ([]byte, error) {
	p.out.Reset()
	if p.writer == nil {
		writer, err := flate.NewWriterDict(&p.out, flate.BestCompression, []byte(dictionary))
		if err != nil {
			return nil, err
		}
		p.writer = writer
	} else {
		p.writer.Reset(&p.out)
	}
	if _, err := p.writer.Write(body); err != nil {
		return nil, err
	}
	if err := p.writer.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(p.out.Bytes()), nil
}

// unpacker is the reverse of packer. It serves one goroutine at a time.
type unpacker struct {
	in     bytes.Reader
	reader io.ReadCloser
}

// unpack never makes more than limit bytes out of a row, whatever is in it.
func (u *unpacker) unpack(packed []byte, limit int64) ([]byte, error) {
	u.in.Reset(packed)
	if u.reader == nil {
		u.reader = flate.NewReaderDict(&u.in, []byte(dictionary))
	} else if err := u.reader.(flate.Resetter).Reset(&u.in, []byte(dictionary)); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(u.reader, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be unpacked (%w): %w", err, release.ErrInvalid)
	case int64(len(body)) > limit:
		return nil, fmt.Errorf("unpacks to more than %d bytes: %w", limit, release.ErrInvalid)
	case u.in.Len() > 0:
		return nil, fmt.Errorf("has %d bytes after its end: %w", u.in.Len(), release.ErrInvalid)
	}
	return body, nil
}
