//! Names of header fields, with their compact forms.

use std::fmt;

/// The longest of the names that we know, in bytes.
const KNOWN_NAME_BYTES_MAX: usize = 32;

/// Writes the enum, the printed names and the reader from one table: variant, name, and names in lower case (with the
/// compact form) that are read.
macro_rules! header_names {
    ($($variant:ident $name:literal $($read:literal)|+;)*) => {
        /// The name of a header field. Names compare without regard to case.
        #[derive(Clone, Debug)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            /// Any other token, as written.
            Other(Box<str>),
        }

        impl HeaderName {
            /// The name in full.
            pub fn as_str(&self) -> &str {
                match self {
                    $(HeaderName::$variant => $name,)*
                    HeaderName::Other(name) => name,
                }
            }

            /// The name that a token means, in either case and in its compact form too.
            pub fn from_token(token: &str) -> HeaderName {
                let mut lower = [0; KNOWN_NAME_BYTES_MAX];
                let Some(lower) = lower.get_mut(..token.len()) else {
                    return HeaderName::Other(token.into());
                };
                lower.copy_from_slice(token.as_bytes());
                lower.make_ascii_lowercase();
                match std::str::from_utf8(lower).unwrap_or("") {
                    $($($read)|+ => HeaderName::$variant,)*
                    _ => HeaderName::Other(token.into()),
                }
            }

            #[cfg(test)]
            const KNOWN: &[HeaderName] = &[$(HeaderName::$variant,)*];
        }
    };
}

header_names! {
    Via "Via" "via" | "v";
    From "From" "from" | "f";
    To "To" "to" | "t";
    CallId "Call-ID" "call-id" | "i";
    CSeq "CSeq" "cseq";
    Contact "Contact" "contact" | "m";
    MaxForwards "Max-Forwards" "max-forwards";
    ContentLength "Content-Length" "content-length" | "l";
    ContentType "Content-Type" "content-type" | "c";
    Route "Route" "route";
    RecordRoute "Record-Route" "record-route";
    UserAgent "User-Agent" "user-agent";
    Allow "Allow" "allow";
    Supported "Supported" "supported" | "k";
    Require "Require" "require";
    Unsupported "Unsupported" "unsupported";
    ProxyRequire "Proxy-Require" "proxy-require";
    Accept "Accept" "accept";
    AcceptEncoding "Accept-Encoding" "accept-encoding";
    AcceptLanguage "Accept-Language" "accept-language";
    AcceptContact "Accept-Contact" "accept-contact" | "a";
    AlertInfo "Alert-Info" "alert-info";
    AllowEvents "Allow-Events" "allow-events" | "u";
    AuthenticationInfo "Authentication-Info" "authentication-info";
    Authorization "Authorization" "authorization";
    CallInfo "Call-Info" "call-info";
    ContentDisposition "Content-Disposition" "content-disposition";
    ContentEncoding "Content-Encoding" "content-encoding" | "e";
    ContentLanguage "Content-Language" "content-language";
    Date "Date" "date";
    Diversion "Diversion" "diversion";
    ErrorInfo "Error-Info" "error-info";
    Event "Event" "event" | "o";
    Expires "Expires" "expires";
    HistoryInfo "History-Info" "history-info";
    Identity "Identity" "identity" | "y";
    InReplyTo "In-Reply-To" "in-reply-to";
    InfoPackage "Info-Package" "info-package";
    MimeVersion "MIME-Version" "mime-version";
    MinExpires "Min-Expires" "min-expires";
    MinSe "Min-SE" "min-se";
    Organization "Organization" "organization";
    PAssertedIdentity "P-Asserted-Identity" "p-asserted-identity";
    PPreferredIdentity "P-Preferred-Identity" "p-preferred-identity";
    Path "Path" "path";
    Priority "Priority" "priority";
    Privacy "Privacy" "privacy";
    ProxyAuthenticate "Proxy-Authenticate" "proxy-authenticate";
    ProxyAuthorization "Proxy-Authorization" "proxy-authorization";
    RAck "RAck" "rack";
    RSeq "RSeq" "rseq";
    Reason "Reason" "reason";
    RecvInfo "Recv-Info" "recv-info";
    ReferTo "Refer-To" "refer-to" | "r";
    ReferredBy "Referred-By" "referred-by" | "b";
    RejectContact "Reject-Contact" "reject-contact" | "j";
    Replaces "Replaces" "replaces";
    ReplyTo "Reply-To" "reply-to";
    RequestDisposition "Request-Disposition" "request-disposition" | "d";
    RetryAfter "Retry-After" "retry-after";
    Server "Server" "server";
    ServiceRoute "Service-Route" "service-route";
    SessionExpires "Session-Expires" "session-expires" | "x";
    SipEtag "SIP-ETag" "sip-etag";
    SipIfMatch "SIP-If-Match" "sip-if-match";
    Subject "Subject" "subject" | "s";
    SubscriptionState "Subscription-State" "subscription-state";
    Timestamp "Timestamp" "timestamp";
    Warning "Warning" "warning";
    WwwAuthenticate "WWW-Authenticate" "www-authenticate";
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &HeaderName) -> bool {
        match (self, other) {
            (HeaderName::Other(one), HeaderName::Other(two)) => one.eq_ignore_ascii_case(two),
            (one, two) => std::mem::discriminant(one) == std::mem::discriminant(two),
        }
    }
}

impl Eq for HeaderName {}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_read_back_in_either_case() {
        for name in HeaderName::KNOWN {
            for token in [name.as_str().to_owned(), name.as_str().to_lowercase(), name.as_str().to_uppercase()] {
                let read = HeaderName::from_token(&token);
                assert_eq!(&read, name, "{token}");
                assert!(!matches!(read, HeaderName::Other(_)), "{token}");
            }
        }
    }

    #[test]
    fn compact_and_unknown_names_are_read() {
        let check = |token: &str, name: &str| assert_eq!(HeaderName::from_token(token).as_str(), name, "{token}");
        check("v", "Via");
        check("F", "From");
        check("t", "To");
        check("i", "Call-ID");
        check("m", "Contact");
        check("l", "Content-Length");
        check("c", "Content-Type");
        check("k", "Supported");
        check("s", "Subject");
        check("e", "Content-Encoding");
        check("x", "Session-Expires");
        check("r", "Refer-To");
        check("b", "Referred-By");
        check("o", "Event");
        check("u", "Allow-Events");
        check("a", "Accept-Contact");
        check("j", "Reject-Contact");
        check("d", "Request-Disposition");
        check("y", "Identity");
        check("X-3Com-PhoneInfo", "X-3Com-PhoneInfo");
        check("z", "z");
        check(&"n".repeat(100), &"n".repeat(100));
        assert_eq!(HeaderName::from_token("x-one"), HeaderName::from_token("X-One"));
        assert_ne!(HeaderName::from_token("x-one"), HeaderName::from_token("X-Two"));
        assert_ne!(HeaderName::Other("Via".into()), HeaderName::Via);
    }
}
