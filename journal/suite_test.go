package journal

import (
	"testing"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/testdb"
)

// suite is what the journal must do on every kind of database.
var suite = []struct {
	name string
	test func(*testing.T, world)
}{
	{"what is appended is read", testWhatIsAppendedIsRead},
	{"the index follows the records", testIndexFollowsTheRecords},
	{"strange text is kept", testStrangeTextIsKept},
	{"begin refuses", testBeginRefuses},
	{"append refuses", testAppendRefuses},
	{"one of two beginnings wins", testOneOfTwoBeginnings},
	{"one of two writers wins", testOneOfTwoWritersWins},
	{"records that a fail-over lost are not built on", testLostRecordsAreNotBuiltOn},
	{"load folds from the snapshot", testLoadFoldsFromTheSnapshot},
	{"load gives the engine's state", testLoadGivesTheEnginesState},
	{"a context ends work", testContextEndsWork},
	{"a reader beside a writer", testReaderWhileWriting},
	{"choices", testChoices},
	{"pasts", testPasts},
	{"what was given", testWhatWasGiven},
	{"commands cross processes", testCommandsCrossProcesses},
	{"commands are refused", testCommandRefuses},
	{"pruning leaves an anchor", testPruneLeavesAnAnchor},
	{"the first broken record is named", testVerifyNamesTheFirstBrokenRecord},
	{"broken records are not used", testBrokenRecordsAreNotUsed},
	{"only an anchor shows a cut tail", testOnlyAnAnchorShowsACutTail},
	{"all are verified", testVerifyAllFindsWhatTheIndexLost},
	{"schemas one newer and two", testOlderAndNewerSchemas},
	{"who needs a turn", testWhoNeedsATurn},
	{"the feed has all, once, in order", testFeed},
	{"the feed under writers", testFeedUnderWriters},
}

// world is a journal on one kind of database.
type world struct {
	kind database.Kind
	db   func(t testing.TB, with settings) *database.DB
}

// open opens the journal, the same one each time, as another process would.
func (w world) open(t testing.TB, with settings) *Store {
	t.Helper()
	s, err := on(t.Context(), w.db(t, with), with)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begun opens it with one release in it.
func (w world) begun(t testing.TB) *Store {
	t.Helper()
	s := w.open(t, quick())
	begin1(t, s, checkout)
	return s
}

func closing(t testing.TB, db *database.DB, err error) *database.DB {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // its server may be gone
	return db
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s.test(t, world{database.SQLite, func(t testing.TB, with settings) *database.DB {
				t.Helper()
				db, err := database.OpenFolderWith(t.Context(), dir, with.Settings)
				return closing(t, db, err)
			}})
		})
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	server := testdb.Postgres(t)
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			at := server.Fresh(t) + "?pool_max_conns=4"
			s.test(t, world{database.Postgres, func(t testing.TB, with settings) *database.DB {
				t.Helper()
				db, err := database.OpenURL(t.Context(), at)
				return closing(t, db, err)
			}})
		})
	}
	t.Run("connections are killed", func(t *testing.T) { testKilledConnections(t, server) })
}

// words gives the words of a kind.
func (w world) words(lite, postgres string) string {
	if w.kind == database.Postgres {
		return postgres
	}
	return lite
}
