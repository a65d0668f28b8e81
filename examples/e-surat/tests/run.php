<?php
/** Tests of the guard with HS256 ID tokens: `php -d zend.assertions=1 tests/run.php`. The secret is made anew. */

require __DIR__ . '/../gapura.php';
require __DIR__ . '/check.php';
require __DIR__ . '/../page.php';
require __DIR__ . '/../letters.php';

error_reporting(E_ALL);
ini_set('error_log', '/dev/null');

const ISSUER = 'https://masuk.kota.example';
const CLIENT = 'e-surat';
const NOW = 1700000000;

/** A compact JWS under an HMAC key. */
function sign($secret, array $claims, array $header = array())
{
    $header = array_merge(array('alg' => 'HS256', 'typ' => 'JWT'), $header);
    $signed = GapuraText::encodeBase64(json_encode($header)) . '.' . GapuraText::encodeBase64(json_encode($claims));
    return $signed . '.' . GapuraText::encodeBase64(hash_hmac('sha256', $signed, $secret, true));
}

function idClaims(array $changes = array())
{
    return array_merge(array('iss' => ISSUER, 'sub' => 'b7f0', 'aud' => CLIENT, 'exp' => NOW + 300, 'iat' => NOW,
        'nonce' => 'n-1', 'sid' => 's-1'), $changes);
}

function logoutClaims(array $changes = array())
{
    $event = array('http://schemas.openid.net/event/backchannel-logout' => new stdClass());
    return array_merge(array('iss' => ISSUER, 'aud' => CLIENT, 'exp' => NOW + 120, 'iat' => NOW, 'jti' => 'j-1',
        'sid' => 's-1', 'events' => $event), $changes);
}

$folder = temporaryFolder();
$secret = GapuraText::encodeBase64(openssl_random_pseudo_bytes(32));
$asked = 0;
$keys = new GapuraKeys($folder, 'keys', function () use (&$asked) {
    $asked += 1;
    return '{"keys":[]}';
});
$tokens = new GapuraTokens(ISSUER, CLIENT, 'HS256', $secret, $keys);

check('a good ID token is read', function () use ($tokens, $secret) {
    $claims = $tokens->idToken(sign($secret, idClaims()), 'n-1', 'access', NOW);
    return $claims['sid'] === 's-1';
});
check('a good logout token is read', function () use ($tokens, $secret) {
    $claims = $tokens->logoutToken(sign($secret, logoutClaims(), array('typ' => 'logout+jwt')), NOW);
    return $claims['sid'] === 's-1';
});
check('the key is the bytes of the secret, not what they decode to', function () use ($tokens, $secret) {
    return refuses(function () use ($tokens, $secret) {
        $tokens->idToken(sign(GapuraText::decodeBase64($secret), idClaims()), 'n-1', 'access', NOW);
    }, 'signature');
});

$key = openssl_pkey_new(array('private_key_bits' => 2048, 'private_key_type' => OPENSSL_KEYTYPE_RSA));
$header = GapuraText::encodeBase64('{"alg":"RS256","kid":"k1"}');
$signed = $header . '.' . GapuraText::encodeBase64(json_encode(idClaims()));
openssl_sign($signed, $signature, $key, OPENSSL_ALGO_SHA256);
$unsigned = GapuraText::encodeBase64('{"alg":"none"}') . '.' . GapuraText::encodeBase64(json_encode(idClaims())) . '.';
$good = sign($secret, idClaims());
$rows = array(
    'attack 110: none' => array($unsigned, 'algorithm'),
    'attack 110: RS256 for an HS256 client' => array($signed . '.' . GapuraText::encodeBase64($signature), 'algorithm'),
    'attack 110: HS384' => array(sign($secret, idClaims(), array('alg' => 'HS384')), 'algorithm'),
    'the secret of another client' => array(sign(str_repeat('x', 43), idClaims()), 'signature'),
    'an empty secret' => array(sign('', idClaims()), 'signature'),
    'an empty signature' => array(substr($good, 0, strrpos($good, '.') + 1), 'signature'),
    'a signature cut in half' => array(substr($good, 0, -22), ''),
    'tampered' => array(substr_replace($good, $good[60] === 'A' ? 'B' : 'A', 60, 1), ''),
    'attack 115: crit' => array(sign($secret, idClaims(), array('crit' => array('b64'))), 'crit'),
    'attack 127: another audience' => array(sign($secret, idClaims(array('aud' => 'e-absensi'))), 'audience'),
    'attack 127: another issuer' => array(sign($secret, idClaims(array('iss' => ISSUER . '/'))), 'issuer'),
    'attack 127: azp of another' => array(sign($secret, idClaims(array('azp' => 'e-absensi'))), 'azp'),
    'attack 128: a logout token' => array(sign($secret, logoutClaims(), array('typ' => 'logout+jwt')), 'typ'),
    'attack 128: an access token' => array(sign($secret, idClaims(), array('typ' => 'at+jwt')), 'typ'),
    'expired' => array(sign($secret, idClaims(array('exp' => NOW - 60))), 'expired'),
    'from the future' => array(sign($secret, idClaims(array('iat' => NOW + 61))), 'iat'),
    'another nonce' => array(sign($secret, idClaims(array('nonce' => 'n-2'))), 'nonce'),
);
foreach ($rows as $name => $row) {
    check('ID token refused: ' . $name, function () use ($tokens, $row) {
        return refuses(function () use ($tokens, $row) {
            $tokens->idToken($row[0], 'n-1', 'access', NOW);
        }, $row[1]);
    });
}
check('attack 128: an ID token is no logout token', function () use ($tokens, $good) {
    return refuses(function () use ($tokens, $good) {
        $tokens->logoutToken($good, NOW);
    }, 'typ');
});
check('the gateway was never asked for keys', function () use (&$asked) {
    return $asked === 0;
});
check('a secret shorter than its hash is refused', function () use ($folder) {
    return refuses(function () use ($folder) {
        new Gapura(array('issuer' => ISSUER, 'client_id' => CLIENT, 'client_secret' => str_repeat('x', 31),
            'base_url' => 'https://surat.kota.example', 'id_token_alg' => 'HS256', 'data_folder' => $folder->path()));
    }, '32 bytes', 'setup');
});
check('letters go to the post, the unit and the agency', function () {
    $person = array('name' => 'Contoh', 'position' => array('name' => 'Arsiparis'),
        'unor' => array('name' => 'Bidang A'), 'opd' => array('name' => 'Dinas A'));
    return count(incomingLetters($person)) === 3 && count(incomingLetters(array('name' => 'Contoh'))) === 1;
});
check('what is no text is not printed, and text is escaped', function () {
    return text(array('x')) === '' && text('<b>"\'') === '&lt;b&gt;&quot;&#039;'
        && claim(array('unor' => 'x'), 'unor', 'name') === '';
});

finish();
