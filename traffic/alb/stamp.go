package alb

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// The tags of a stamp.
const (
	tagEpoch   = "linnet:epoch"
	tagOwner   = "linnet:owner"
	tagWeights = "linnet:weights"
)

// stamp says which route was written last, or is about to be.
type stamp struct {
	split.Stamp
	// weights are those of the route, as weightsText has them.
	weights string
}

// tagValue is what AWS takes as the value of a tag.
var tagValue = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$`)

// stampOf is the stamp of a route, without its weights.
func stampOf(route release.Route) (stamp, error) {
	if !tagValue.MatchString(route.Owner) {
		return stamp{}, fmt.Errorf("owner %.100q cannot be written into a tag, which takes 256 letters, digits, spaces and _.:/=+-@: %w", route.Owner, release.ErrInvalid)
	}
	return stamp{Stamp: split.StampOf(route)}, nil
}

// weightsText writes weights by their groups' names, in the order of these, so
// that whoever reads it need not know in which order a file has its arms.
func weightsText(groups []string, weights []int32) string {
	out := make([]string, len(weights))
	for i, w := range weights {
		out[i] = nameOf(groups[i]) + "=" + strconv.Itoa(int(w))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// nameOf is the name in a target group's ARN.
func nameOf(group string) string {
	if m := groupARN.FindStringSubmatch(group); m != nil {
		return m[2]
	}
	return group
}

// readStamp reads a stamp from tags. Without an epoch there is none: the route
// is nobody's, and any writer is newer.
func readStamp(tags []types.Tag) (s stamp) {
	of := map[string]string{}
	for _, t := range tags {
		of[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	epoch, err := strconv.ParseUint(of[tagEpoch], 10, 64)
	if err != nil {
		return stamp{}
	}
	s.Epoch, s.Owner, s.weights = epoch, of[tagOwner], of[tagWeights]
	return s
}

func (s stamp) tags() []types.Tag {
	return []types.Tag{
		{Key: aws.String(tagEpoch), Value: aws.String(strconv.FormatUint(s.Epoch, 10))},
		{Key: aws.String(tagOwner), Value: aws.String(s.Owner)},
		{Key: aws.String(tagWeights), Value: aws.String(s.weights)},
	}
}

// stamped reads the stamp of what is served.
func (r *Router) stamped(ctx context.Context, at found) (s stamp, err error) {
	var out *elb.DescribeTagsOutput
	err = r.call(ctx, "DescribeTags", at.arn(), func(ctx context.Context, o options) (err error) {
		out, err = r.client.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: []string{at.arn()}}, o)
		return err
	})
	if err != nil {
		return stamp{}, err
	}
	for _, d := range out.TagDescriptions {
		if aws.ToString(d.ResourceArn) == at.arn() {
			s = readStamp(d.Tags)
		}
	}
	return s, nil
}

// stamp writes a stamp.
func (r *Router) stamp(ctx context.Context, at found, s stamp) error {
	return r.call(ctx, "AddTags", at.arn(), func(ctx context.Context, o options) error {
		_, err := r.client.AddTags(ctx, &elb.AddTagsInput{ResourceArns: []string{at.arn()}, Tags: s.tags()}, o)
		return err
	})
}
