//! An authenticator in software, written from WebAuthn level 3 and CTAP 2 and from nothing of ours: it makes passkeys and
//! signs with them. Whatever a test wants to be wrong can be made wrong. The pages' tests use it as well.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The owner is there, and was asked for a finger or a PIN.
const PRESENT_AND_VERIFIED: u8 = 0b0000_0101;
/// Public key data follows.
const ATTESTED: u8 = 0b0100_0000;

/// A passkey in software.
pub struct SoftwareKey {
    pair: EcdsaKeyPair,
    /// What it calls itself.
    pub id: Vec<u8>,
    /// What stands for the account.
    pub handle: String,
    /// Whom it is for.
    pub host: String,
    /// Signatures made.
    pub counter: u32,
    /// Whether it asks for a finger or a PIN.
    pub verifies: bool,
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn parsed(options: &str) -> Value {
    serde_json::from_str(options).expect("options are JSON")
}

/// A CBOR head with its length.
fn head(kind: u8, length: usize) -> Vec<u8> {
    let kind = kind << 5;
    match u8::try_from(length) {
        Ok(short) if short < 24 => vec![kind | short],
        Ok(byte) => vec![kind | 24, byte],
        Err(_) => [vec![kind | 25], u16::try_from(length).unwrap().to_be_bytes().to_vec()].concat(),
    }
}

fn cbor_text(text: &str) -> Vec<u8> {
    [head(3, text.len()), text.as_bytes().to_vec()].concat()
}

fn cbor_bytes(bytes: &[u8]) -> Vec<u8> {
    [head(2, bytes.len()), bytes.to_vec()].concat()
}

impl SoftwareKey {
    /// Makes a passkey as a browser at `origin` is asked to; gives it with the browser's answer.
    pub fn make(options: &str, origin: &str) -> (SoftwareKey, String) {
        let asked = parsed(options);
        assert_eq!(asked["authenticatorSelection"]["residentKey"], "required", "{asked}");
        assert_eq!(asked["authenticatorSelection"]["userVerification"], "required", "{asked}");
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref()).unwrap();
        let id = Sha256::digest(pair.public_key().as_ref()).to_vec();
        let key = SoftwareKey {
            pair,
            id,
            handle: asked["user"]["id"].as_str().unwrap().to_owned(),
            host: asked["rp"]["id"].as_str().unwrap().to_owned(),
            counter: 1,
            verifies: true,
        };
        let answer = key.registration(asked["challenge"].as_str().unwrap(), origin);
        (key, answer)
    }

    /// The public key as COSE has it.
    fn cose(&self) -> Vec<u8> {
        let point = self.pair.public_key().as_ref().to_vec();
        assert_eq!(point.len(), 65);
        // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
        [
            vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21],
            cbor_bytes(&point[1..33]),
            vec![0x22],
            cbor_bytes(&point[33..]),
        ]
        .concat()
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let flags = if self.verifies { PRESENT_AND_VERIFIED } else { 1 } | more;
        [Sha256::digest(self.host.as_bytes()).to_vec(), vec![flags], self.counter.to_be_bytes().to_vec()]
            .concat()
    }

    /// The answer to a challenge for a new passkey.
    pub fn registration(&self, challenge: &str, origin: &str) -> String {
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes().to_vec();
        let data = [self.data(ATTESTED), vec![0; 16], length, self.id.clone(), self.cose()].concat();
        let object = [
            vec![0xa3],
            cbor_text("fmt"),
            cbor_text("none"),
            cbor_text("attStmt"),
            vec![0xa0],
            cbor_text("authData"),
            cbor_bytes(&data),
        ]
        .concat();
        let client = client_data("webauthn.create", challenge, origin);
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": {
                "clientDataJSON": text(client.as_bytes()), "attestationObject": text(&object), "transports": ["internal"],
            },
        })
        .to_string()
    }

    /// Signs what a browser at `origin` is asked to; the counter goes up.
    pub fn sign(&mut self, options: &str, origin: &str) -> String {
        self.counter += 1;
        let asked = parsed(options);
        assert_eq!(asked["userVerification"], "required", "{asked}");
        self.proof(asked["challenge"].as_str().unwrap(), origin)
    }

    /// The answer to a challenge, signed.
    pub fn proof(&self, challenge: &str, origin: &str) -> String {
        let data = self.data(0);
        let client = client_data("webauthn.get", challenge, origin);
        let signed = [data.clone(), Sha256::digest(client.as_bytes()).to_vec()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": {
                "clientDataJSON": text(client.as_bytes()), "authenticatorData": text(&data),
                "signature": text(signature.as_ref()), "userHandle": self.handle,
            },
        })
        .to_string()
    }
}

fn client_data(kind: &str, challenge: &str, origin: &str) -> String {
    // Written by hand: browsers keep this order.
    format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
}
