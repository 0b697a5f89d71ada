package storagetest

import (
	"fmt"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var scopeCases = []testCase{
	{name: "the state of a scope stays until another one is set", run: stateStays},
	{name: "a scope that is listed was complete at the revision that is read", run: lastCompleteFollows},
	{name: "a scope that is not listed says when it was complete last", run: lastCompleteStays},
	{name: "scopes come in order and with all that is known of them", run: scopesInOrder},
	{name: "scans come newest first", run: scansNewestFirst},
	{name: "a scan tells which scopes failed as of its revision", run: failedScopes},
}

// setStates commits a scan that sets nothing but states.
func (w *twin) setStates(states ...storage.ScopeState) *storage.ScanMetadata {
	w.t.Helper()
	w.begin(w.tick())
	w.setScope(states...)
	return w.commit(storage.ScanMetadata{})
}

func stateStays(w *twin) {
	state := func(status storage.ScopeStatus) storage.ScopeState {
		return storage.ScopeState{Scope: instances, Status: status}
	}
	w.scan()
	w.setStates(state(storage.ScopeUnavailable))
	w.scan()
	w.setStates(state(storage.ScopeExcluded))
	w.scan()
	w.wantScopes(1)
	w.wantScopes(2, "us-east-1 AWS::EC2::Instance unavailable 0")
	w.wantScopes(3, "us-east-1 AWS::EC2::Instance unavailable 0")
	w.wantScopes(4, "us-east-1 AWS::EC2::Instance excluded 0")
	w.wantScopes(storage.HeadRevision, "us-east-1 AWS::EC2::Instance excluded 0")
	w.check()
}

func lastCompleteFollows(w *twin) {
	for _, status := range []storage.ScopeStatus{storage.ScopeComplete, storage.ScopePartial} {
		typ := "Type::" + string(status)
		w.setStates(storage.ScopeState{Scope: scopeOf(region, typ), Status: status, Reason: "details", Error: "some"})
		set := w.head()
		w.scan()
		w.scan()
		for r := set.Revision; r <= set.Revision+2; r++ {
			states, err := w.scopes(r)
			w.ok(err, "Scopes")
			s := states[len(states)-1]
			if at := w.scans(r + 1)[0].EndTime; s.LastComplete != r || !s.LastCompleteTime.Equal(at) {
				w.fail("%s read at revision %d of %v was complete at %d, %v", status, r, at, s.LastComplete, s.LastCompleteTime)
			}
		}
	}
	w.check()
}

func lastCompleteStays(w *twin) {
	w.setStates(storage.ScopeState{Scope: instances, Status: storage.ScopeComplete, Resources: 3})
	w.scan()
	last := w.head()
	w.setStates(storage.ScopeState{
		Scope: instances, Status: storage.ScopeFailed, Reason: "throttled", Error: "Rate exceeded", Resources: 3,
		LastComplete: last.Revision, LastCompleteTime: last.Time,
	})
	w.scan()
	for _, r := range []int64{3, 4, storage.HeadRevision} {
		w.wantScopes(r, "us-east-1 AWS::EC2::Instance failed 2")
	}
	states, err := w.scopes(storage.HeadRevision)
	w.ok(err, "Scopes")
	if s := states[0]; !s.LastCompleteTime.Equal(last.Time) || s.Reason != "throttled" || s.Error != "Rate exceeded" || s.Resources != 3 {
		w.fail("the failed scope came back as %+v", s)
	}
	w.wantScopes(2, "us-east-1 AWS::EC2::Instance complete 2")
	w.wantScopes(1, "us-east-1 AWS::EC2::Instance complete 1")
	w.setStates(storage.ScopeState{Scope: instances, Status: storage.ScopeComplete, Resources: 4})
	w.wantScopes(storage.HeadRevision, "us-east-1 AWS::EC2::Instance complete 5")
	w.check()
}

func scopesInOrder(w *twin) {
	never := storage.ScopeState{Scope: scopeOf("us-east-1", bucket), Status: storage.ScopeFailed, Reason: "access_denied", Error: "no\nway"}
	w.setStates(
		never,
		storage.ScopeState{
			Scope: scopeOf(resource.Global, bucket), Status: storage.ScopeComplete, Resources: 5,
			Regions: map[string]int{"us-east-1": 2, "eu-west-1": 3, resource.Global: 0},
		},
		storage.ScopeState{Scope: scopeOf("us-east-1", instance), Status: storage.ScopePartial, Resources: 1},
		storage.ScopeState{Scope: scopeOf("us-east-1", instance+"2"), Status: storage.ScopeExcluded},
		storage.ScopeState{Scope: scopeOf("eu-west-1", instance), Status: storage.ScopeUnavailable},
		storage.ScopeState{Scope: resource.Scope{Provider: "aws", Account: "0", Region: "z", Type: "Z"}, Status: storage.ScopeComplete},
	)
	w.wantScopes(storage.HeadRevision,
		"z Z complete 1",
		"eu-west-1 AWS::EC2::Instance unavailable 0",
		"us-east-1 AWS::EC2::Instance partial 1",
		"us-east-1 AWS::EC2::Instance2 excluded 0",
		"global AWS::S3::Bucket complete 1",
		"us-east-1 AWS::S3::Bucket failed 0")
	states, err := w.scopes(storage.HeadRevision)
	w.ok(err, "Scopes")
	w.same("a scope that was never complete", show(viewScope(&never)), show(viewScope(states[5])))
	w.want("resources by region", []string{fmt.Sprint(states[4].Regions)}, "map[eu-west-1:3 global:0 us-east-1:2]")
	w.check()
}

func scansNewestFirst(w *twin) {
	for range 12 {
		w.scan()
	}
	revisions := func(before int64) []string {
		var r []string
		for _, s := range w.scans(before) {
			r = append(r, fmt.Sprint(s.Revision, "/", s.ScanID))
		}
		return r
	}
	w.want("all scans", revisions(storage.HeadRevision),
		"12/12", "11/11", "10/10", "9/9", "8/8", "7/7", "6/6", "5/5", "4/4", "3/3", "2/2", "1/1")
	w.want("scans before 12", revisions(12)[:2], "11/11", "10/10")
	w.want("scans before 3", revisions(3), "2/2", "1/1")
	w.want("scans before 1", revisions(1))
}

func failedScopes(w *twin) {
	failed := func(s resource.Scope, text string) storage.ScopeState {
		return storage.ScopeState{Scope: s, Status: storage.ScopeFailed, Reason: "throttled", Error: text}
	}
	buckets := scopeOf(resource.Global, bucket)
	w.setStates(storage.ScopeState{Scope: instances, Status: storage.ScopeComplete}, failed(buckets, "slow down"))
	w.setStates(failed(instances, "denied"))
	w.scan()
	w.setStates(
		storage.ScopeState{Scope: buckets, Status: storage.ScopePartial, Error: "tags"},
		storage.ScopeState{Scope: instances, Status: storage.ScopeUnavailable, Error: "no such region"},
	)
	w.setStates(storage.ScopeState{Scope: buckets, Status: storage.ScopeComplete})
	var got []string
	for _, s := range w.scans(storage.HeadRevision) {
		line := fmt.Sprint(s.Revision)
		for _, f := range s.FailedScopes {
			line += fmt.Sprintf(" %s/%s/%s:%s", f.Account, f.Region, f.Type, f.Error)
		}
		got = append(got, line)
	}
	w.want("failed scopes of the scans", got,
		"5",
		"4 111122223333/global/AWS::S3::Bucket:tags",
		"3 111122223333/us-east-1/AWS::EC2::Instance:denied 111122223333/global/AWS::S3::Bucket:slow down",
		"2 111122223333/us-east-1/AWS::EC2::Instance:denied 111122223333/global/AWS::S3::Bucket:slow down",
		"1 111122223333/global/AWS::S3::Bucket:slow down")
	w.check()
}
