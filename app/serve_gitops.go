package app

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/linnet-project/linnet/gitops"
)

// openFolders begins to look at the folders whose release files are applied. One
// that is named twice is one.
func (s *serving) openFolders(ctx context.Context) (func() error, error) {
	var paths []string
	for _, dir := range s.settings.Releases {
		path, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		folder := gitops.New(gitops.Config{Folder: path, Desk: s.desk, Journal: s.store, Log: s.log, Now: s.now})
		s.folders = append(s.folders, folder)
		s.group.Go(func() error {
			folder.Run(ctx)
			return nil
		})
	}
	return nil, nil
}

// openFolderList tells over the API how the folders stand.
func (s *serving) openFolderList(context.Context) (func() error, error) {
	if len(s.folders) > 0 {
		s.api.Folders(func() []gitops.State {
			var all []gitops.State
			for _, f := range s.folders {
				all = append(all, f.State())
			}
			return all
		})
	}
	return nil, nil
}
