package app

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/metric/cloudwatch"
	"github.com/linnet-project/linnet/metric/googlemonitoring"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

func openCloudWatch(ctx context.Context, s spec.Source) (run.Source, error) {
	c := s.CloudWatch
	return cloudwatch.New(ctx, cloudwatch.Config{
		Region: c.Region, Profile: c.Profile, Role: c.Role, ExternalID: c.ExternalID, Endpoint: c.Endpoint, LogsEndpoint: c.LogsEndpoint,
		Period: c.Period, LogGroups: c.LogGroups, Timeout: c.Timeout,
	})
}

func openGoogleMonitoring(_ context.Context, s spec.Source) (run.Source, error) {
	c := s.GoogleMonitoring
	return googlemonitoring.New(googlemonitoring.Config{
		Project: c.Project, CredentialsFile: c.CredentialsFile, Endpoint: c.Endpoint, Period: c.Period, Timeout: c.Timeout, Now: time.Now,
	})
}
