// Who may talk, and who may listen in: the keys of CURVE (RFC 26), the files they are kept in, and the
// security of a connection. A key is 32 octets; people see it as 40 characters of Z85 (RFC 32).
//
//     struct zmtp_key_pair server;
//     zmtp_key_generate(&server, zmtp_sodium());
//     zmtp_key_file_save(&server, "server.key"); // and server.key_secret
#ifndef ZMTP_CURVE_H
#define ZMTP_CURVE_H

#include "wire.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ZMTP_KEY_SIZE = 32,
    ZMTP_KEY_TEXT_SIZE = 41, // in Z85, with the terminator
    ZMTP_SHORT_NONCE_SIZE = 8,
    ZMTP_NONCE_SIZE = 24,
    ZMTP_MAC_SIZE = 16,
    ZMTP_SEAL_ROOM = 32, // octets before what is sealed, see |seal|
};
struct zmtp_key {
    uint8_t octets[ZMTP_KEY_SIZE];
};
struct zmtp_key_pair {
    struct zmtp_key public_key, secret_key;
};

// The cryptography that CURVE needs: NaCl's crypto_box, taken apart so that what stays the same for a
// whole connection is computed once. The engine below io has none of its own: it is given this table.
// zmtp_sodium() is the one to take; a board without libsodium can fill in its own.
struct zmtp_crypto {
    void *context;                                            // of |random|
    void (*random)(void *context, uint8_t *out, size_t size); // unpredictable octets
    void (*public_of)(struct zmtp_key *out,
                      const struct zmtp_key *secret_key); // X25519 of the base
    // The key that the owners of both pairs share: crypto_box_beforenm. False when it would be the same
    // whatever our secret is, as with a public key of small order.
    bool (*agree)(struct zmtp_key *out, const struct zmtp_key *their_public,
                  const struct zmtp_key *our_secret);
    // The key of one box key and the first 16 octets of a nonce: HSalsa20.
    void (*subkey)(struct zmtp_key *out, const struct zmtp_key *key, const uint8_t prefix[16]);
    // Seals |head| octets, which lie behind ZMTP_SEAL_ROOM octets of room at |at|, and |rest|, which lies elsewhere
    // and belongs behind them. Afterwards the last ZMTP_MAC_SIZE octets of the room and what follows are the box;
    // the room before it is undefined.
    void (*seal)(uint8_t *at, size_t head, struct zmtp_bytes rest,
                 const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE], const struct zmtp_key *subkey);
    // Opens a box of |size| octets, ZMTP_MAC_SIZE at least, into |out|, which may be anywhere up to
    // where the box's own octets begin behind its MAC. False: it is not a box of this key and nonce, and
    // nothing was written to |out|. Either way the box is no more.
    bool (*open)(uint8_t *out, uint8_t *box, size_t size,
                 const uint8_t nonce[ZMTP_SHORT_NONCE_SIZE], const struct zmtp_key *subkey);
};
// Through libsodium; null when that cannot be started, or is not in this build (make SODIUM=0, or
// ZMTP_NO_SODIUM). Not part of the core library.
const struct zmtp_crypto *zmtp_sodium(void);

void zmtp_key_generate(struct zmtp_key_pair *out, const struct zmtp_crypto *crypto);
// Z85, ended by a zero octet.
void zmtp_key_encode(const struct zmtp_key *key, char out[ZMTP_KEY_TEXT_SIZE]);
// ZMTP_OK, or ZMTP_ERR_ARGUMENT unless |text| is 40 characters of Z85.
int zmtp_key_decode(struct zmtp_bytes text, struct zmtp_key *out);
// Takes the same time wherever they differ.
bool zmtp_key_equal(const struct zmtp_key *a, const struct zmtp_key *b);
bool zmtp_key_is_zero(const struct zmtp_key *key);
// Overwrites secrets in a way that a compiler does not leave out.
void zmtp_wipe(void *memory, size_t size);

// A certificate as czmq and pyzmq write it: a ZPL text whose section "curve" has a public-key and,
// where it is its owner's, a secret-key.
enum { ZMTP_KEY_FILE_MAX = 16 * 1024 };
struct zmtp_key_file {
    struct zmtp_key_pair keys; // zero where there is none
    bool has_public, has_secret;
};
// ZMTP_ERR_ARGUMENT unless the text has a public key, neither of the two twice, and nothing malformed
// in their place; everything else in it is skipped.
int zmtp_key_file_decode(struct zmtp_bytes text, struct zmtp_key_file *out);
// Writes the public certificate, or the secret one, into |out|. Returns its octets, or ZMTP_ERR_LIMIT
// when |size| is too small.
int zmtp_key_file_encode(const struct zmtp_key_pair *keys, bool with_secret, char *out,
                         size_t size);
// The same from and to the disk; not part of the core library. Load reads either kind. Save writes the
// public certificate to |path| and the secret one to |path| with "_secret" behind it, readable by its
// owner only; neither may exist yet. ZMTP_ERR_NOT_FOUND, ZMTP_ERR_IN_USE (it exists), ZMTP_ERR_ACCESS,
// ZMTP_ERR_SYSTEM, or ZMTP_ERR_ARGUMENT for a file that is no certificate.
int zmtp_key_file_load(struct zmtp_key_file *out, const char *path);
int zmtp_key_file_save(const struct zmtp_key_pair *keys, const char *path);

// What one side brings to a handshake. All zero is the NULL mechanism.
struct zmtp_security {
    enum zmtp_mechanism mechanism;
    // PLAIN and CURVE: we are the side that judges the other's credentials. Which side that is does not
    // depend on who binds; exactly one of the two must be it. NULL has no such sides: this one asks its
    // owner before it says READY, who can go by the other's address alone.
    bool server;
    struct zmtp_bytes username, password; // PLAIN, the client's; at most 255 octets each
    const struct zmtp_crypto *crypto;     // CURVE
    struct zmtp_key_pair keys;            // CURVE: ours, which last
    struct zmtp_key server_key; // CURVE, the client: the public key of the server it means
};
// ZMTP_OK, or ZMTP_ERR_ARGUMENT and, if |why| is not null, a constant sentence at |*why|.
int zmtp_security_check(const struct zmtp_security *security, const char **why);

// What a client brought, for whoever judges it (RFC 27). Views are valid until it is judged.
struct zmtp_credentials {
    enum zmtp_mechanism mechanism;
    struct zmtp_bytes username, password; // PLAIN
    struct zmtp_key public_key;           // CURVE: proven to be its own
};
// The verdict, in the numbers of RFC 27, Message Format.
enum zmtp_verdict {
    ZMTP_VERDICT_ALLOW = 200,
    // No, for now: the connection closes without a word, and may come again.
    ZMTP_VERDICT_LATER = 300,
    ZMTP_VERDICT_DENY = 400,   // no: the client is told, and should not come again
    ZMTP_VERDICT_BROKEN = 500, // it could not be judged; told as well
};

#ifdef __cplusplus
}
#endif
#endif
