package kube

import (
	"context"
	"errors"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/linnet-project/linnet/release"
)

// Reader reads one object again and again. While a watch on it is healthy, has
// told everything that we know to have happened, and the cluster was heard
// within Config.Quiet, reading costs no call; otherwise the cluster is asked. So
// what is read is never older than that, whatever became of the watch.
type Reader struct {
	object *Object

	mu sync.Mutex
	// told is the object by the watch; nil while no watch is healthy.
	told *unstructured.Unstructured
	// known is the newest version that a call has shown us.
	known string
	// heard runs out Config.Quiet after the last word of the cluster: an event or
	// bookmark of the watch, or the beginning of a call that was answered. nil
	// when it has.
	heard *time.Timer
	stop  context.CancelFunc
	done  chan struct{}
}

// Reader makes a Reader. The first call of Read starts its watch, and Close
// ends it.
func (o *Object) Reader() *Reader { return &Reader{object: o} }

// Object is what is read.
func (r *Reader) Object() *Object { return r.object }

// Read returns the object as it is. It is the caller's to change.
func (r *Reader) Read(ctx context.Context) (*unstructured.Unstructured, error) {
	if err := ctx.Err(); err != nil {
		return nil, r.object.failure(ctx, "get", err)
	}
	if told := r.present(); told != nil {
		return told.DeepCopy(), nil
	}
	word := r.word()
	got, err := r.object.Get(ctx)
	if err != nil {
		return nil, err
	}
	r.Saw(got)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = word
	return got, nil
}

// Tries of Update, and the pause after the first that was too late; it doubles.
const (
	updates     = 5
	updatePause = 25 * time.Millisecond
)

// Update changes an object that others may change meanwhile: it reads it as it
// is now, asks edit what to change, and patches it. Where somebody was faster it
// starts over, a few times; then that is release.ErrConflict. What edit refuses
// is returned as it is.
func (r *Reader) Update(ctx context.Context, edit func(read *unstructured.Unstructured) (*Change, error)) (*unstructured.Unstructured, error) {
	for i := 1; ; i++ {
		read, err := r.object.Get(ctx)
		if err != nil {
			return nil, err
		}
		change, err := edit(read)
		if err != nil {
			return nil, err
		}
		got, err := r.object.Patch(ctx, read, change)
		if err == nil {
			r.Saw(got)
			return got, nil
		}
		if !errors.Is(err, release.ErrConflict) || i == updates || !pause(ctx, updatePause<<i) {
			return nil, err
		}
	}
}

// pause waits; false where the context ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Saw notes a version of the object that a call returned, our own patch above
// all: the watch is behind until it has told that one or a newer.
func (r *Reader) Saw(object *unstructured.Unstructured) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == "" || newer(object.GetResourceVersion(), r.known) {
		r.known = object.GetResourceVersion()
	}
}

// word is what heard is while the cluster speaks.
func (r *Reader) word() *time.Timer { return time.NewTimer(r.object.client.quiet) }

// Close ends the watch and waits for its end. The Reader may be used again.
func (r *Reader) Close() {
	r.mu.Lock()
	done := r.done
	if r.stop != nil {
		r.stop()
	}
	r.stop, r.done, r.told, r.heard = nil, nil, nil, nil
	r.mu.Unlock()
	if done != nil {
		<-done
	}
}

// present is what the watch tells, where that is the present, and starts the
// watch where there is none.
func (r *Reader) present() *unstructured.Unstructured {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop == nil {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		r.stop, r.done = cancel, done
		go func() {
			defer close(done)
			r.follow(ctx)
		}()
	}
	if r.heard != nil {
		select {
		case <-r.heard.C:
			r.heard = nil
		default:
		}
	}
	if r.told == nil || r.heard == nil || r.known != "" && newer(r.known, r.told.GetResourceVersion()) {
		return nil
	}
	return r.told
}

// newer compares versions; what cannot be compared counts as newer, so that the
// cluster is asked.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}

const (
	// life is how long the cluster lets a watch live.
	life = 30 * time.Minute
	// Pauses between a watch that ended and the next.
	firstPause = 100 * time.Millisecond
	mostPause  = 30 * time.Second
)

// follow keeps a watch open until the context ends.
func (r *Reader) follow(ctx context.Context) {
	next := firstPause
	for {
		healthy := r.once(ctx)
		r.tell(ctx, nil, nil)
		if healthy {
			next = firstPause
		}
		if !pause(ctx, next) {
			return
		}
		next = min(2*next, mostPause)
	}
}

// tell notes what the watch says, and the word that it is; nil when it says
// nothing any more.
func (r *Reader) tell(ctx context.Context, object *unstructured.Unstructured, word *time.Timer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() == nil {
		r.told, r.heard = object, word
	}
}

// once reads the object and follows it until the watch ends or falls silent. It
// tells whether the watch was healthy for a while.
func (r *Reader) once(ctx context.Context) (healthy bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	word := r.word()
	object, err := r.object.Get(ctx)
	if err != nil {
		return false
	}
	opening := time.AfterFunc(r.object.client.timeout, cancel)
	seconds := int64(life / time.Second)
	events, err := r.object.api().Watch(ctx, metav1.ListOptions{
		FieldSelector:       fields.OneTermEqualSelector("metadata.name", r.object.name).String(),
		ResourceVersion:     object.GetResourceVersion(),
		AllowWatchBookmarks: true,
		TimeoutSeconds:      &seconds,
	})
	if err != nil {
		return false
	}
	defer events.Stop()
	if !opening.Stop() {
		return false
	}
	r.tell(ctx, object, word)
	return r.listen(ctx, events, object)
}

// listen takes what a watch says of an object that was read.
func (r *Reader) listen(ctx context.Context, events watch.Interface, last *unstructured.Unstructured) (healthy bool) {
	silence := time.NewTimer(r.object.client.silence)
	defer silence.Stop()
	for {
		select {
		case <-ctx.Done():
			return healthy
		case <-silence.C:
			return healthy
		case event, open := <-events.ResultChan():
			object, ok := event.Object.(*unstructured.Unstructured)
			switch {
			case !open || !ok:
				return healthy
			case event.Type == watch.Added || event.Type == watch.Modified:
				last = object
			case event.Type == watch.Bookmark:
			default: // deleted, or an error
				return healthy
			}
			r.tell(ctx, last, r.word())
			healthy = true
			silence.Reset(r.object.client.silence)
		}
	}
}
