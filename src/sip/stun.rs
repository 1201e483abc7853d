//! The one answer of STUN's (RFC 8489) that phones need who keep their flow alive by it (RFC 5626 section 4.4.2).

use std::net::{IpAddr, SocketAddr};

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];
const HEADER_BYTES: usize = 20;

/// Whether a datagram is STUN's (RFC 8489 section 5).
pub(super) fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_BYTES && bytes[0] < 4 && bytes[4..8] == MAGIC_COOKIE
}

/// What a Binding request from `source` is answered with; nothing for anything else.
pub(super) fn answer(bytes: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    if !is_stun(bytes) || bytes[..2] != BINDING_REQUEST {
        return None;
    }
    let key: &[u8] = &bytes[4..HEADER_BYTES];
    let (family, address) = match source.ip() {
        IpAddr::V4(address) => (1, address.octets().to_vec()),
        IpAddr::V6(address) => (2, address.octets().to_vec()),
    };
    let port = source.port().to_be_bytes();
    let value_length = u8::try_from(4 + address.len()).expect("an address has 16 octets at most");
    let mut answer = Vec::with_capacity(HEADER_BYTES + 24);
    answer.extend(BINDING_SUCCESS);
    answer.extend([0, value_length + 4]);
    answer.extend(key);
    answer.extend(XOR_MAPPED_ADDRESS);
    answer.extend([0, value_length, 0, family]);
    answer.extend(port.iter().zip(key).map(|(octet, key)| octet ^ key));
    answer.extend(address.iter().zip(key).map(|(octet, key)| octet ^ key));
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_told_as_rfc_5769_does() {
        // The transaction id and the addresses of RFC 5769 sections 2.2 and 2.3.
        let id = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
        let request = [&[0, 1, 0, 0][..], &MAGIC_COOKIE, &id].concat();
        let check = |source: &str, attribute: &[u8]| {
            let answer = answer(&request, source.parse().expect("an address")).expect("it is a request");
            let length = u8::try_from(attribute.len()).expect("it is short");
            assert_eq!(answer, [&[1, 1, 0, length][..], &MAGIC_COOKIE, &id, attribute].concat(), "{source}");
        };
        check("192.0.2.1:32853", &[0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        check(
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
            &[
                0, 0x20, 0, 20, 0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4,
                0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
            ],
        );
        assert_eq!(answer(&request[..19], "192.0.2.1:1".parse().expect("an address")), None);
        let response = [&[1, 1, 0, 0][..], &MAGIC_COOKIE, &id].concat();
        assert_eq!(answer(&response, "192.0.2.1:1".parse().expect("an address")), None);
    }
}
