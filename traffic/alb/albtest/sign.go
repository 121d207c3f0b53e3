package albtest

import "time"

// assumeRole gives out credentials of the role.
func (s *Server) assumeRole(in *node) (*node, error) {
	held, refused := s.guard.Assume(in.say("RoleArn"), in.say("ExternalId"))
	if refused != nil {
		return nil, refused
	}
	return object(map[string]*node{
		"Credentials": object(map[string]*node{
			"AccessKeyId": words(held.ID), "SecretAccessKey": words(held.Secret), "SessionToken": words(held.Token),
			"Expiration": words(held.Until.UTC().Format(time.RFC3339)),
		}),
		"AssumedRoleUser": object(map[string]*node{"AssumedRoleId": words("AROA:" + in.say("RoleSessionName")), "Arn": words(in.say("RoleArn"))}),
	}), nil
}
