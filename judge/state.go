package judge

type State struct{}
