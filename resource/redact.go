package resource

import "strings"

// RedactURLs replaces the password of every URL within a text by its digest:
// "postgres://app:hunter2@db/x" becomes "postgres://app:hmac-sha256:...@db/x". People put
// such URLs into descriptions, tags and parameters.
func RedactURLs(s string, digest Digest) string {
	if digest == nil || !strings.Contains(s, "://") {
		return s
	}
	var b strings.Builder
	for {
		scheme, rest, found := strings.Cut(s, "://")
		b.WriteString(scheme)
		if !found {
			return b.String()
		}
		b.WriteString("://")
		user, password, length := userinfo(rest)
		if length == 0 {
			s = rest
			continue
		}
		b.WriteString(user)
		b.WriteByte(':')
		b.WriteString(digest(password))
		s = rest[length:]
	}
}

// userinfo splits "user:password@host" at the beginning of a text. length is that of the
// user, the colon and the password; 0 where there is no password. The authority of a URL
// ends at a slash, a question mark or a hash (RFC 3986, 3.2), and within a text at a
// space or a quote; a password may hold an @ that nobody escaped, so the last one counts.
func userinfo(s string) (user, password string, length int) {
	authority := s
	if end := strings.IndexAny(s, "/?# \t\r\n\"'<>`"); end >= 0 {
		authority = s[:end]
	}
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return "", "", 0
	}
	user, password, _ = strings.Cut(authority[:at], ":")
	if password == "" {
		return "", "", 0
	}
	return user, password, at
}
