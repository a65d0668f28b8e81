<?php
/** Tests of the guard with RS256 ID tokens: `php -d zend.assertions=1 tests/run.php`. Keys are made at every run. */

require __DIR__ . '/../gapura.php';
require __DIR__ . '/check.php';

error_reporting(E_ALL);
ini_set('error_log', '/dev/null');

const ISSUER = 'https://masuk.kota.example';
const CLIENT = 'e-absensi';
const NOW = 1700000000;

/** A key pair, and its JWK. */
function makeKey($kid, $bits = 2048)
{
    $key = openssl_pkey_new(array('private_key_bits' => $bits, 'private_key_type' => OPENSSL_KEYTYPE_RSA));
    $details = openssl_pkey_get_details($key);
    $jwk = array('kty' => 'RSA', 'kid' => $kid, 'use' => 'sig', 'alg' => 'RS256',
        'n' => GapuraText::encodeBase64($details['rsa']['n']), 'e' => GapuraText::encodeBase64($details['rsa']['e']));
    return array('private' => $key, 'pem' => $details['key'], 'jwk' => $jwk);
}

/** A compact JWS from the texts of header and payload. */
function signText($key, $header, $payload)
{
    $signed = GapuraText::encodeBase64($header) . '.' . GapuraText::encodeBase64($payload);
    openssl_sign($signed, $signature, $key['private'], OPENSSL_ALGO_SHA256);
    return $signed . '.' . GapuraText::encodeBase64($signature);
}

/** What is not null: a claim is left out by setting it to null. */
function present(array $members)
{
    return array_filter($members, function ($value) {
        return $value !== null;
    });
}

function sign($key, array $claims, array $header = array())
{
    $header = present(array_merge(array('alg' => 'RS256', 'typ' => 'JWT', 'kid' => 'k1'), $header));
    return signText($key, json_encode($header), json_encode($claims));
}

function idClaims(array $changes = array())
{
    return present(array_merge(array('iss' => ISSUER, 'sub' => 'b7f0', 'aud' => CLIENT, 'exp' => NOW + 300,
        'iat' => NOW, 'nonce' => 'n-1', 'sid' => 's-1', 'auth_time' => NOW - 5), $changes));
}

function logoutClaims(array $changes = array())
{
    $event = array('http://schemas.openid.net/event/backchannel-logout' => new stdClass());
    return present(array_merge(array('iss' => ISSUER, 'aud' => CLIENT, 'exp' => NOW + 120, 'iat' => NOW,
        'jti' => 'j-1', 'sid' => 's-1', 'sub' => 'b7f0', 'events' => $event), $changes));
}

$folder = temporaryFolder();
$key = makeKey('k1');
$foreign = makeKey('k1');
$published = array($key['jwk']);
$asked = 0;
$isDown = false;
$fetch = function () use (&$published, &$asked, &$isDown) {
    $asked += 1;
    if ($isDown) {
        throw new GapuraException('unavailable', 'down');
    }
    return json_encode(array('keys' => $published));
};
$keys = new GapuraKeys($folder, 'keys', $fetch);
$tokens = new GapuraTokens(ISSUER, CLIENT, 'RS256', 'not used here', $keys);
$read = function ($token, $nonce = 'n-1', $now = NOW) use ($tokens) {
    return $tokens->idToken($token, $nonce, 'access', $now);
};
$readLogout = function ($token, $now = NOW) use ($tokens) {
    return $tokens->logoutToken($token, $now);
};
/** A table row: an ID token with these claims and header is refused for this reason. */
$refused = function ($name, $reason, array $claims, array $header = array(), $nonce = 'n-1') use ($key, $read) {
    check($name, function () use ($key, $read, $reason, $claims, $header, $nonce) {
        return refuses(function () use ($key, $read, $claims, $header, $nonce) {
            $read(sign($key, idClaims($claims), $header), $nonce);
        }, $reason);
    });
};
$refusedText = function ($name, $reason, $token) use ($read) {
    check($name, function () use ($read, $reason, $token) {
        return refuses(function () use ($read, $token) {
            $read($token);
        }, $reason);
    });
};

// Keys

check('a JWK becomes the PEM that OpenSSL writes', function () use ($key) {
    return GapuraKeys::pem($key['jwk']['n'], $key['jwk']['e']) === $key['pem'];
});
check('so does one of 3072 bits', function () {
    $large = makeKey('x', 3072);
    return GapuraKeys::pem($large['jwk']['n'], $large['jwk']['e']) === $large['pem'];
});
check('attack 121: a key of 1024 bits is refused', function () {
    $small = makeKey('x', 1024);
    return GapuraKeys::pem($small['jwk']['n'], $small['jwk']['e']) === null;
});
check('attack 121: the exponents 1 and 3 are refused', function () use ($key) {
    return GapuraKeys::pem($key['jwk']['n'], 'AQ') === null && GapuraKeys::pem($key['jwk']['n'], 'Aw') === null;
});

// ID tokens

check('behaviour 31: a good ID token is read', function () use ($key, $read) {
    $claims = $read(sign($key, idClaims()));
    return $claims['sub'] === 'b7f0' && $claims['sid'] === 's-1';
});
check('typ may be absent', function () use ($key, $read) {
    $claims = $read(sign($key, idClaims(), array('typ' => null)));
    return $claims['sub'] === 'b7f0';
});
check('aud may be a list of us alone', function () use ($key, $read) {
    $claims = $read(sign($key, idClaims(array('aud' => array(CLIENT), 'azp' => CLIENT))));
    return $claims['sub'] === 'b7f0';
});
check('clocks may differ by a minute', function () use ($key, $read) {
    $read(sign($key, idClaims(array('exp' => NOW - 59))));
    $read(sign($key, idClaims(array('iat' => NOW + 59))));
    return true;
});
check('a right at_hash passes', function () use ($key, $read) {
    $half = GapuraText::encodeBase64(substr(hash('sha256', 'access', true), 0, 16));
    $read(sign($key, idClaims(array('at_hash' => $half))));
    return true;
});
$refused('a wrong at_hash is refused', 'at_hash', idClaims(array('at_hash' => 'AAAAAAAAAAAAAAAAAAAAAA')));
foreach (array('none', 'None', 'NONE', '', 'HS256', 'RS384', 'PS256', 'ES256', 7, array('RS256'), null) as $alg) {
    $refused('attack 110: alg ' . json_encode($alg), 'algorithm', array(), array('alg' => $alg));
}
$unsigned = GapuraText::encodeBase64('{"alg":"none"}') . '.' . GapuraText::encodeBase64(json_encode(idClaims())) . '.';
$refusedText('attack 110: no signature at all', 'algorithm', $unsigned);
$header = GapuraText::encodeBase64('{"alg":"HS256","kid":"k1"}');
$signed = $header . '.' . GapuraText::encodeBase64(json_encode(idClaims()));
$refusedText('attack 110: HS256 with the public key as secret', 'algorithm',
    $signed . '.' . GapuraText::encodeBase64(hash_hmac('sha256', $signed, $key['pem'], true)));
$refusedText('another key with the same kid', 'signature', sign($foreign, idClaims()));
$refused('behaviour 32: no kid', 'kid', array(), array('kid' => null));
$refused('attack 113: an empty kid', 'kid', array(), array('kid' => ''));
$refused('attack 113: a kid of 300 characters', 'kid', array(), array('kid' => str_repeat('k', 300)));
foreach (array('../../dev/null', "' OR 1=1--", '|cmd', "k1\0") as $index => $kid) {
    check('attack 113: kid ' . json_encode($kid), function () use ($folder, $key, $index, $kid) {
        $unasked = new GapuraKeys($folder, 'unasked-' . $index, function () use ($key) {
            return json_encode(array('keys' => array($key['jwk'])));
        });
        return refuses(function () use ($key, $unasked, $kid) {
            $tokens = new GapuraTokens(ISSUER, CLIENT, 'RS256', 'not used here', $unasked);
            $tokens->idToken(sign($key, idClaims(), array('kid' => $kid)), 'n-1', 'access', NOW);
        }, 'no key with this kid');
    });
}
foreach (array(array(), array('b64'), array('alg'), 'x', false) as $crit) {
    $refused('attack 115: crit ' . json_encode($crit), 'crit', array(), array('crit' => $crit));
}
foreach (array('at+jwt', 'logout+jwt', 'dpop+jwt', 'secevent+jwt', 5) as $typ) {
    $refused('attack 128: typ ' . $typ, 'typ', array(), array('typ' => $typ));
}
$refused('attack 127: another audience', 'audience', array('aud' => 'e-surat'));
$refused('attack 127: an audience that begins like us', 'audience', array('aud' => 'e-absensi2'));
$refused('attack 127: us and another', 'audience', array('aud' => array(CLIENT, 'e-surat'), 'azp' => CLIENT));
$refused('attack 127: no audience', 'audience', array('aud' => array()));
$refused('attack 127: azp of another', 'azp', array('azp' => 'e-surat'));
foreach (array(ISSUER . '/', 'https://MASUK.kota.example', 'http://masuk.kota.example', '', array(ISSUER)) as $issuer) {
    $refused('attack 127: iss ' . json_encode($issuer), 'issuer', array('iss' => $issuer));
}
$refused('expired', 'expired', array('exp' => NOW - 60));
$refused('no exp', 'expired', array('exp' => null));
$refused('exp as text', 'expired', array('exp' => (string) (NOW + 300)));
$refused('iat in the future', 'iat', array('iat' => NOW + 61));
$refused('no iat', 'iat', array('iat' => null));
$refused('nbf in the future', 'not valid yet', array('nbf' => NOW + 61));
$refused('another nonce', 'nonce', array('nonce' => 'n-2'));
$refused('no nonce', 'nonce', array('nonce' => null));
$refused('an empty nonce does not match an empty nonce', 'nonce', array('nonce' => ''), array(), '');
$refused('nonces that are equal as numbers differ', 'nonce', array('nonce' => '1e3'), array(), '1000');
$refused('no sub', 'sub', array('sub' => null));
$refused('an empty sub', 'sub', array('sub' => ''));
$refused('no sid', 'sid', array('sid' => null));

$good = sign($key, idClaims());
$parts = explode('.', $good);
foreach (array(0, 1, 2) as $index) {
    $changed = $parts;
    $changed[$index] = substr_replace($changed[$index], $changed[$index][8] === 'A' ? 'B' : 'A', 8, 1);
    $refusedText('tampered part ' . $index, '', implode('.', $changed));
}
$refusedText('claims of another token under this signature', 'signature', $parts[0] . '.'
    . GapuraText::encodeBase64(json_encode(idClaims(array('sub' => 'admin')))) . '.' . $parts[2]);
$odd = array('padding' => $good . '=', 'leading space' => ' ' . $good, 'trailing newline' => $good . "\n",
    'two parts' => $parts[0] . '.' . $parts[1], 'four parts' => $good . '.', 'many dots' => str_repeat('.', 10000),
    'nothing' => '', 'an array' => array($good), 'null' => null, 'over 16 KB' => $good . str_repeat('A', 16384),
    'NUL' => $parts[0] . "\0." . $parts[1] . '.' . $parts[2], 'JSON serialization' => '{"payload":"","signatures":[]}');
foreach ($odd as $name => $token) {
    $refusedText('attack 118, attack 119: ' . $name, '', $token);
}
check('attack 118: trailing bits that are not zero', function () {
    return GapuraText::decodeBase64('AA') === "\0" && GapuraText::decodeBase64('AB') === false;
});
$payload = json_encode(idClaims());
$twice = substr($payload, 0, -1) . ',"sub":"admin"}';
$refusedText('attack 116: a claim twice', 'not readable', signText($key, '{"alg":"RS256","kid":"k1"}', $twice));
$refusedText('attack 116: a header member twice, one spelt with an escape', 'not readable',
    signText($key, '{"alg":"RS256","\u0061lg":"none","kid":"k1"}', $payload));
check('attack 116: members of the same name in different objects are no duplicates', function () {
    return GapuraText::decodeObject('{"a":{"id":1},"b":[{"id":2},{"id":3}],"c":"\\"id\\":"}') !== null
        && GapuraText::decodeObject('{"b":[{"id":2,"id":3}]}') === null && GapuraText::decodeObject('[]') === null;
});
check('JSON deeper than 16 levels is refused', function () {
    return GapuraText::decodeObject('{"a":' . str_repeat('[', 20) . str_repeat(']', 20) . '}') === null;
});

// Logout tokens

$logoutHeader = array('typ' => 'logout+jwt');
check('behaviour 69: a good logout token is read', function () use ($key, $readLogout, $logoutHeader) {
    $claims = $readLogout(sign($key, logoutClaims(), $logoutHeader));
    return $claims['sid'] === 's-1';
});
$wrong = array(
    'a nonce' => array('nonce', array('nonce' => 'n-1')), 'no jti' => array('jti', array('jti' => null)),
    'no events' => array('events', array('events' => null)), 'no exp' => array('expired', array('exp' => null)),
    'events as a list' => array('events', array('events' => array())),
    'another event' => array('events', array('events' => array('http://kota.example/event' => new stdClass()))),
    'an event that is no object' => array('events',
        array('events' => array('http://schemas.openid.net/event/backchannel-logout' => array()))),
    'neither sid nor sub' => array('neither', array('sid' => null, 'sub' => null)),
    'another audience' => array('audience', array('aud' => 'e-surat')),
    'another issuer' => array('issuer', array('iss' => 'https://lain.example')),
    'iat in the future' => array('iat', array('iat' => NOW + 61)),
    'iat of the day before yesterday' => array('too old', array('iat' => NOW - 172800)),
    'expired' => array('expired', array('exp' => NOW - 61)),
);
foreach ($wrong as $name => $row) {
    check('logout token with ' . $name, function () use ($key, $readLogout, $logoutHeader, $row) {
        return refuses(function () use ($key, $readLogout, $logoutHeader, $row) {
            $readLogout(sign($key, logoutClaims($row[1]), $logoutHeader));
        }, $row[0]);
    });
}
check('attack 128: an ID token is no logout token', function () use ($key, $readLogout) {
    return refuses(function () use ($key, $readLogout) {
        $readLogout(sign($key, idClaims()));
    }, 'typ');
});
check('attack 128: nor with the right events', function () use ($key, $readLogout) {
    return refuses(function () use ($key, $readLogout) {
        $readLogout(sign($key, logoutClaims(), array('typ' => 'JWT')));
    }, 'typ');
});
check('attack 128: a logout token is no ID token', function () use ($key, $read, $logoutHeader) {
    return refuses(function () use ($key, $read, $logoutHeader) {
        $read(sign($key, logoutClaims(array('nonce' => 'n-1')), $logoutHeader));
    }, 'typ');
});
check('attack 128: nor with the type of an ID token', function () use ($key, $read) {
    return refuses(function () use ($key, $read) {
        $read(sign($key, logoutClaims(array('nonce' => 'n-1'))));
    }, 'no ID token');
});

// Key rotation

check('so far the gateway was asked once for its keys, and for each unknown kid not again', function () use (&$asked) {
    return $asked === 1 ? true : 'asked ' . $asked . ' times';
});
$next = makeKey('k2');
check('a new key is fetched when its kid first appears', function () use (&$published, &$asked, $next, $read) {
    $published[] = $next['jwk'];
    $read(sign($next, idClaims(), array('kid' => 'k2')), 'n-1', NOW + 61);
    return $asked === 2;
});
check('a hundred invented kids are one question a minute', function () use (&$asked, $key, $read) {
    $kinds = array();
    for ($index = 0; $index < 100; $index++) {
        try {
            $read(sign($key, idClaims(), array('kid' => 'invented-' . $index)), 'n-1', NOW + 130);
        } catch (GapuraException $error) {
            $kinds[] = $error->kind;
        }
    }
    // Only the first was looked up; of the others nobody knows.
    return $asked === 3 && $kinds === array_merge(array('refused'), array_fill(0, 99, 'unavailable'))
        ? true : 'asked ' . $asked . ' times';
});
check('a sign-out under a key that appeared within the limit is to be tried again, and then goes through',
    function () use (&$published, &$asked, $readLogout, $logoutHeader) {
        $sudden = makeKey('k3');
        $published[] = $sudden['jwk'];
        $token = sign($sudden, logoutClaims(array('iat' => NOW + 140, 'exp' => NOW + 260)),
            array('kid' => 'k3') + $logoutHeader);
        $early = refuses(function () use ($readLogout, $token) {
            $readLogout($token, NOW + 140);
        }, 'cannot be asked again yet', 'unavailable');
        $claims = $readLogout($token, NOW + 190);
        return $early === true ? $claims['sid'] === 's-1' && $asked === 4 : $early;
    });
check('a sign-out that is really wrong is refused for good, though the limit holds',
    function () use ($key, $foreign, $readLogout, $logoutHeader) {
        $token = sign($foreign, logoutClaims(array('iat' => NOW + 190, 'exp' => NOW + 260)), $logoutHeader);
        return refuses(function () use ($readLogout, $token) {
            $readLogout($token, NOW + 191);
        }, 'signature is wrong');
    });
check('while the gateway is down, an unknown kid is to be tried again',
    function () use (&$isDown, $key, $readLogout, $logoutHeader) {
        $isDown = true;
        $token = sign($key, logoutClaims(array('iat' => NOW + 300, 'exp' => NOW + 400)),
            array('kid' => 'k4') + $logoutHeader);
        return refuses(function () use ($readLogout, $token) {
            $readLogout($token, NOW + 300);
        }, 'cannot be asked again yet', 'unavailable');
    });
check('known keys still verify while the gateway is down', function () use (&$isDown, $key, $read) {
    $isDown = true;
    $read(sign($key, idClaims(array('exp' => NOW + 9000))), 'n-1', NOW + 7200);
    return true;
});
check('but not for longer than a day', function () use ($key, $read) {
    return refuses(function () use ($key, $read) {
        $read(sign($key, idClaims(array('exp' => NOW + 200000))), 'n-1', NOW + 100000);
    }, 'no keys', 'unavailable');
});
check('a key that is no longer published stops', function () use (&$isDown, &$published, $next, $key, $read) {
    $isDown = false;
    $published = array($next['jwk']);
    return refuses(function () use ($key, $read) {
        $read(sign($key, idClaims(array('iat' => NOW + 100000, 'exp' => NOW + 200000))), 'n-1', NOW + 100100);
    }, 'no key');
});
check('keys for encryption, of other kinds and algorithms are passed over; the first of two equal kids counts',
    function () use ($folder, $key, $next) {
        $set = array(array('use' => 'enc') + $key['jwk'], array('kty' => 'EC') + $key['jwk'],
            array('alg' => 'PS256') + $key['jwk'], array('key_ops' => array('sign')) + $key['jwk'], 'text',
            $key['jwk'], array('kid' => 'k1') + $next['jwk']);
        $other = new GapuraKeys($folder, 'other', function () use ($set) {
            return json_encode(array('keys' => $set));
        });
        return $other->find('k1', NOW) === $key['pem'];
    });
check('a JWKS that is no JSON is as good as none', function () use ($folder) {
    $broken = new GapuraKeys($folder, 'broken', function () {
        return '<html>';
    });
    return refuses(function () use ($broken) {
        $broken->find('k1', NOW);
    }, 'no keys', 'unavailable');
});

// Folder and settings

check('a data folder that others can enter is refused', function () use ($folder) {
    mkdir($folder->path() . '/open');
    chmod($folder->path() . '/open', 0755);
    return refuses(function () use ($folder) {
        $folder->folder('open');
    }, '0700', 'setup');
});
check('a data folder behind a symbolic link is refused', function () use ($folder) {
    symlink(sys_get_temp_dir(), $folder->path() . '/link');
    $result = refuses(function () use ($folder) {
        $folder->folder('link');
    }, '', 'setup');
    unlink($folder->path() . '/link');
    return $result;
});
$settings = array('issuer' => ISSUER, 'client_id' => CLIENT, 'client_secret' => str_repeat('x', 43),
    'base_url' => 'https://absensi.kota.example', 'data_folder' => $folder->path());
check('complete settings are accepted', function () use ($settings) {
    return new Gapura($settings) instanceof Gapura;
});
foreach (array('issuer' => '', 'client_id' => '', 'client_secret' => '', 'base_url' => 'http://absensi.kota.example',
    'id_token_alg' => 'none') as $name => $value) {
    check('setting refused: ' . $name, function () use ($settings, $name, $value) {
        return refuses(function () use ($settings, $name, $value) {
            new Gapura(array($name => $value) + $settings);
        }, $name, 'setup');
    });
}
foreach (array('http://kota.example', 'http://localhost.kota.example', 'http://127.0.0.1@kota.example',
    'ftp://localhost', 'file:///etc/passwd', 'php://input', '', null) as $url) {
    check('address refused: ' . $url, function () use ($url) {
        return GapuraHttp::isAllowed($url) === false;
    });
}

finish();
