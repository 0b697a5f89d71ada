package notify

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/elava-dev/elava/storage"
)

// Bounds of a text for people.
const (
	slackEvents = 20  // named one by one; the rest is counted
	slackFields = 3   // of one event
	slackValue  = 100 // runes of a value
)

// slackText is what an incoming webhook of Slack takes:
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
type slackText struct {
	Text string `json:"text"`
}

// slackMessage tells what changed in a few lines.
func slackMessage(events []*storage.ChangeEvent) slackText {
	var b strings.Builder
	fmt.Fprintf(&b, "Elava: %d changes in revision %d", len(events), events[0].Revision)
	if len(events) == 1 {
		b.Reset()
		fmt.Fprintf(&b, "Elava: 1 change in revision %d", events[0].Revision)
	}
	for i, e := range events {
		if i == slackEvents {
			fmt.Fprintf(&b, "\n... and %d more", len(events)-i)
			break
		}
		fmt.Fprintf(&b, "\n• *%s* %s `%s`", e.ChangeType, slackEscape(e.Type), slackCode(e.ResourceID))
		if e.Name != "" && e.Name != e.ResourceID {
			fmt.Fprintf(&b, " (%s)", slackEscape(e.Name))
		}
		fmt.Fprintf(&b, " in %s, account %s", slackEscape(e.Region), slackEscape(e.Account))
		writeFields(&b, e)
	}
	return slackText{b.String()}
}

func writeFields(b *strings.Builder, e *storage.ChangeEvent) {
	for i, c := range e.Changes {
		if i == slackFields {
			fmt.Fprintf(b, "\n    ... and %d more fields", len(e.Changes)-i)
			return
		}
		fmt.Fprintf(b, "\n    `%s`: %s → %s", slackCode(c.Path), slackValueOf(c.Old), slackValueOf(c.New))
	}
}

func slackValueOf(raw []byte) string {
	if len(raw) == 0 || string(raw) == "null" {
		return "(none)"
	}
	text := string(raw)
	if utf8.RuneCountInString(text) > slackValue {
		text = string([]rune(text)[:slackValue]) + "…"
	}
	return "`" + slackCode(text) + "`"
}

// slackEscape keeps a text from being taken for a mention or a link:
// https://docs.slack.dev/messaging/formatting-message-text#escaping
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// slackCode is for what stands between backticks.
func slackCode(s string) string { return strings.ReplaceAll(slackEscape(s), "`", "'") }
