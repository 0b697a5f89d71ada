//go:build !linux

package badger_test

import "errors"

func hasSpace(string) bool { return false }

func fillDisk([]byte) error { return errors.New("the tests of a full disk need Linux") }
