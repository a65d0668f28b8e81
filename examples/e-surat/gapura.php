<?php
/**
 * Gapura guard: sign-in with OpenID Connect for a plain PHP application, in one file.
 *
 * PHP 5.6 to 8.x, ext-openssl and ext-json, allow_url_fopen; no Composer. Copy this file outside the web root and read
 * README.md. The same file serves clients with RS256 and with HS256 ID tokens: the setting decides, never the
 * token.
 *
 *   $gapura = new Gapura($settings);
 *   $person = $gapura->requireSignIn();        // on every page: the person's claims, or a redirect to the gateway
 *   $gapura->finishSignIn();                   // on the redirect URI
 *   $gapura->receiveBackchannelLogout();       // on the back-channel logout URI
 *   $gapura->signOut();                        // on POST from the sign-out button
 */

/** What went wrong: `kind` chooses the page that a person sees, the message is the private reason for the log. */
class GapuraException extends Exception
{
    /** @var string setup, expired, denied, refused, unavailable, form, signout */
    public $kind;

    public function __construct($kind, $reason)
    {
        parent::__construct($reason);
        $this->kind = $kind;
    }

    /** HTTP status of the page. */
    public function status()
    {
        $statuses = array('setup' => 500, 'expired' => 400, 'denied' => 403, 'refused' => 400,
            'unavailable' => 503, 'form' => 400, 'signout' => 503);
        return isset($statuses[$this->kind]) ? $statuses[$this->kind] : 500;
    }
}

/** Strict readers of base64url and JSON. */
final class GapuraText
{
    /** Base64url without padding, one spelling only (RFC 7515 section 2); false where it is not. */
    public static function decodeBase64($text)
    {
        if (!is_string($text) || preg_match('/\A[A-Za-z0-9_-]*\z/', $text) !== 1) {
            return false;
        }
        $bytes = base64_decode(strtr($text, '-_', '+/'), true);
        return $bytes !== false && self::encodeBase64($bytes) === $text ? $bytes : false;
    }

    public static function encodeBase64($bytes)
    {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }

    /** A JSON object as an array; null when it is no object, too deep, or has a member twice (RFC 7515 section 4). */
    public static function decodeObject($json)
    {
        if (!is_string($json) || !(json_decode($json, false, 16) instanceof stdClass)) {
            return null;
        }
        return self::hasDuplicateMember($json) ? null : json_decode($json, true, 16);
    }

    /** Looks through valid JSON for two members of one name in one object: json_decode keeps the last silently. */
    private static function hasDuplicateMember($json)
    {
        $pattern = '/"(?:[^"\\\\]++|\\\\.)*+"|[{}\[\]:,]/s';
        if (preg_match_all($pattern, $json, $matches) === false) {
            return true;
        }
        $seen = array();
        $tokens = $matches[0];
        foreach ($tokens as $index => $token) {
            if ($token === '{' || $token === '[') {
                $seen[] = array();
            } elseif ($token === '}' || $token === ']') {
                array_pop($seen);
            } elseif ($token[0] === '"' && isset($tokens[$index + 1]) && $tokens[$index + 1] === ':') {
                $name = 'n' . json_decode($token);
                $level = count($seen) - 1;
                if (isset($seen[$level][$name])) {
                    return true;
                }
                $seen[$level][$name] = true;
            }
        }
        return false;
    }
}

/** A folder that only this application's user may enter: caches, sessions and the list of ended sessions. */
final class GapuraFolder
{
    private $path;

    /** Makes the folder with mode 0700; refuses one that belongs to somebody else (in /tmp anybody makes folders). */
    public function __construct($path)
    {
        if (!is_dir($path)) {
            @mkdir($path, 0700, true);
        }
        clearstatcache();
        if (is_link($path) || !is_dir($path) || !is_writable($path)) {
            throw new GapuraException('setup', 'data folder cannot be written: ' . $path);
        }
        if (DIRECTORY_SEPARATOR === '/') {
            $isOwn = !function_exists('posix_geteuid') || fileowner($path) === posix_geteuid();
            if (!$isOwn || (fileperms($path) & 077) !== 0) {
                throw new GapuraException('setup', 'data folder must belong to the web user, mode 0700: ' . $path);
            }
        }
        $this->path = $path;
    }

    /** A folder inside this one. */
    public function folder($name)
    {
        return new self($this->path . '/' . $name);
    }

    public function path()
    {
        return $this->path;
    }

    public function read($name)
    {
        $file = $this->path . '/' . $name;
        return is_file($file) ? @file_get_contents($file) : false;
    }

    /** Writes whole or not at all: another request never reads half a file. */
    public function write($name, $bytes)
    {
        $temporary = @tempnam($this->path, 'new');
        if ($temporary === false || @file_put_contents($temporary, $bytes) !== strlen($bytes)
            || !@rename($temporary, $this->path . '/' . $name)) {
            if ($temporary !== false) {
                @unlink($temporary);
            }
            throw new GapuraException('unavailable', 'cannot write into ' . $this->path);
        }
    }

    /** Removes files that nobody touched for so many seconds. */
    public function prune($seconds, $now)
    {
        foreach ((array) @scandir($this->path) as $name) {
            $file = $this->path . '/' . $name;
            if (is_file($file) && (int) @filemtime($file) < $now - $seconds) {
                @unlink($file);
            }
        }
    }
}

/** HTTP to the gateway with PHP's own streams: no redirects, a time-out, a size limit, certificates checked. */
final class GapuraHttp
{
    private $caFile;

    public function __construct($caFile)
    {
        $this->caFile = $caFile;
    }

    /** Only https; plain http only to this very machine (the demo and tests). */
    public static function isAllowed($url)
    {
        $parts = is_string($url) ? parse_url($url) : false;
        if (!is_array($parts) || !isset($parts['scheme'], $parts['host']) || isset($parts['user'])) {
            return false;
        }
        return $parts['scheme'] === 'https' || ($parts['scheme'] === 'http'
            && in_array($parts['host'], array('localhost', '127.0.0.1', '[::1]'), true));
    }

    /** Status and body; throws `unavailable` when nobody answers. */
    public function send($method, $url, array $headers = array(), $body = '')
    {
        if (!self::isAllowed($url)) {
            throw new GapuraException('setup', 'address must be https (http only on localhost): ' . $url);
        }
        $http = array('method' => $method, 'header' => array_merge($headers, array('Connection: close')),
            'content' => $body, 'timeout' => 10, 'follow_location' => 0, 'ignore_errors' => true,
            'protocol_version' => 1.1, 'user_agent' => 'gapura-guard');
        $ssl = array('verify_peer' => true, 'verify_peer_name' => true);
        if ($this->caFile !== '') {
            $ssl['cafile'] = $this->caFile;
        }
        $stream = @fopen($url, 'rb', false, stream_context_create(array('http' => $http, 'ssl' => $ssl)));
        if ($stream === false) {
            $error = error_get_last();
            throw new GapuraException('unavailable', 'no answer: ' . ($error === null ? $url : $error['message']));
        }
        $text = stream_get_contents($stream, 1048577);
        $meta = stream_get_meta_data($stream);
        fclose($stream);
        $status = isset($meta['wrapper_data'][0]) ? $meta['wrapper_data'][0] : '';
        if ($text === false || strlen($text) > 1048576 || $meta['timed_out']
            || preg_match('/\AHTTP\/\d(?:\.\d)? (\d{3})/', $status, $match) !== 1) {
            throw new GapuraException('unavailable', 'answer cut off or too large: ' . $url);
        }
        return array('status' => (int) $match[1], 'body' => $text);
    }
}

/** The gateway's public keys by `kid`: kept in a file, asked for again at an unknown `kid`, within a limit. */
final class GapuraKeys
{
    /** Seconds that a set is used without asking again, and is used at most while the gateway is down. */
    const FRESH = 3600;
    const STALE = 86400;
    /** Least seconds between two questions: a token with an invented `kid` must not become a question each. */
    const LIMIT = 60;
    const LIMIT_WITHOUT_KEYS = 5;

    private $folder;
    private $name;
    private $fetch;

    /** @param callable $fetch returns the text of the JWKS or throws GapuraException */
    public function __construct(GapuraFolder $folder, $name, $fetch)
    {
        $this->folder = $folder;
        $this->name = $name;
        $this->fetch = $fetch;
    }

    /**
     * The RSA key with this `kid` as PEM; null when the gateway has just said that it has none. Where it could not be
     * asked (it is down, or the limit holds), nobody knows whether the token is wrong: that is `unavailable`, so that
     * a sign-out under a new key is tried again and not lost.
     */
    public function find($kid, $now)
    {
        $kept = json_decode((string) $this->folder->read($this->name), true);
        if (!is_array($kept) || !isset($kept['fetched'], $kept['asked'], $kept['keys'])) {
            $kept = array('fetched' => 0, 'asked' => 0, 'keys' => array());
        }
        $age = $now - $kept['fetched'];
        $isKnown = isset($kept['keys'][$kid]) && $age >= 0 && $age < self::STALE;
        if ($isKnown && $age < self::FRESH) {
            return $kept['keys'][$kid];
        }
        $limit = $kept['keys'] === array() ? self::LIMIT_WITHOUT_KEYS : self::LIMIT;
        $wait = $now - $kept['asked'];
        $isAnswered = false;
        if ($wait >= $limit || $wait < 0) {
            $kept['asked'] = $now;
            try {
                $kept['keys'] = self::pemByKid(call_user_func($this->fetch));
                $kept['fetched'] = $now;
                $isAnswered = true;
            } catch (GapuraException $error) {
                error_log('gapura: keys not refreshed: ' . $error->getMessage());
            }
            $this->folder->write($this->name, json_encode($kept));
            $isKnown = isset($kept['keys'][$kid]) && $now - $kept['fetched'] < self::STALE;
        }
        if ($kept['fetched'] === 0 || $now - $kept['fetched'] >= self::STALE) {
            throw new GapuraException('unavailable', 'no keys of the gateway at hand');
        }
        if (!$isKnown && !$isAnswered) {
            throw new GapuraException('unavailable', 'unknown kid, and the gateway cannot be asked again yet');
        }
        return $isKnown ? $kept['keys'][$kid] : null;
    }

    /** RSA signature keys for RS256 of a JWKS (RFC 7517), those of other kinds passed over. */
    private static function pemByKid($jwks)
    {
        $set = GapuraText::decodeObject($jwks);
        if ($set === null || !isset($set['keys']) || !is_array($set['keys'])) {
            throw new GapuraException('unavailable', 'the JWKS is not readable');
        }
        $keys = array();
        foreach ($set['keys'] as $jwk) {
            $isUsable = is_array($jwk) && isset($jwk['kty'], $jwk['kid'], $jwk['n'], $jwk['e']) && $jwk['kty'] === 'RSA'
                && is_string($jwk['kid']) && $jwk['kid'] !== '' && !isset($keys[$jwk['kid']])
                && (!isset($jwk['use']) || $jwk['use'] === 'sig') && (!isset($jwk['alg']) || $jwk['alg'] === 'RS256')
                && (!isset($jwk['key_ops']) || in_array('verify', (array) $jwk['key_ops'], true));
            $pem = $isUsable ? self::pem($jwk['n'], $jwk['e']) : null;
            if ($pem !== null) {
                $keys[$jwk['kid']] = $pem;
            }
        }
        return $keys;
    }

    /** Modulus and exponent to PEM: SubjectPublicKeyInfo (RFC 5280) around RSAPublicKey (RFC 8017), written by hand. */
    public static function pem($modulus, $exponent)
    {
        $n = GapuraText::decodeBase64($modulus);
        $e = GapuraText::decodeBase64($exponent);
        if ($n === false || $e === false) {
            return null;
        }
        $n = ltrim($n, "\0");
        $e = ltrim($e, "\0");
        if (strlen($n) < 256 || strlen($n) > 1024 || strlen($e) < 3 || strlen($e) > 8) {
            return null;                           // under 2048 bits or 65537 too weak, over 8192 bits too slow
        }
        $key = self::der("\x30", self::unsigned($n) . self::unsigned($e));
        $rsaEncryption = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
        $info = self::der("\x30", $rsaEncryption . self::der("\x03", "\0" . $key));
        $lines = chunk_split(base64_encode($info), 64, "\n");
        return "-----BEGIN PUBLIC KEY-----\n" . $lines . "-----END PUBLIC KEY-----\n";
    }

    /** INTEGER: a first bit of 1 would mean a negative number, so a zero byte goes before it. */
    private static function unsigned($bytes)
    {
        return self::der("\x02", ord($bytes[0]) > 127 ? "\0" . $bytes : $bytes);
    }

    private static function der($tag, $content)
    {
        $length = strlen($content);
        if ($length < 128) {
            return $tag . chr($length) . $content;
        }
        $bytes = ltrim(pack('N', $length), "\0");
        return $tag . chr(128 + strlen($bytes)) . $bytes . $content;
    }
}

/** Verifies ID tokens (OpenID Connect Core 3.1.3.7) and logout tokens (Back-Channel Logout 2.6). */
final class GapuraTokens
{
    /** Seconds that the clocks of gateway and application may differ. */
    const LEEWAY = 60;

    private $issuer;
    private $clientId;
    private $algorithm;
    private $secret;
    private $keys;

    /** @param string $algorithm RS256 (then $keys is asked) or HS256 (then the key is the secret's bytes) */
    public function __construct($issuer, $clientId, $algorithm, $secret, GapuraKeys $keys)
    {
        $this->issuer = $issuer;
        $this->clientId = $clientId;
        $this->algorithm = $algorithm;
        $this->secret = $secret;
        $this->keys = $keys;
    }

    /** The claims of an ID token that answers the sign-in with this nonce. */
    public function idToken($token, $nonce, $accessToken, $now)
    {
        $claims = $this->claims($token, array('', 'JWT'), $now);
        $sentNonce = isset($claims['nonce']) && is_string($claims['nonce']) ? $claims['nonce'] : '';
        self::demand($nonce !== '' && hash_equals($nonce, $sentNonce), 'nonce is not ours');
        self::demand(!isset($claims['events']), 'a logout token is no ID token');
        self::demand(self::isText($claims, 'sub') && strlen($claims['sub']) <= 255, 'sub is missing');
        self::demand(self::isText($claims, 'sid'), 'sid is missing');
        if (isset($claims['at_hash'])) {
            $half = GapuraText::encodeBase64(substr(hash('sha256', $accessToken, true), 0, 16));
            self::demand(is_string($claims['at_hash']) && hash_equals($half, $claims['at_hash']), 'at_hash is wrong');
        }
        return $claims;
    }

    /** The claims of a logout token: it names a session (`sid`), a person (`sub`), or both. */
    public function logoutToken($token, $now)
    {
        $claims = $this->claims($token, array('LOGOUT+JWT'), $now);
        self::demand(!array_key_exists('nonce', $claims), 'a logout token has no nonce');
        self::demand(self::isText($claims, 'jti'), 'jti is missing');
        $parts = explode('.', $token);
        $payload = json_decode(GapuraText::decodeBase64($parts[1]), false, 16);    // as objects: {} and [] differ
        $event = 'http://schemas.openid.net/event/backchannel-logout';
        self::demand(isset($payload->events) && $payload->events instanceof stdClass && isset($payload->events->$event)
            && $payload->events->$event instanceof stdClass, 'events does not say back-channel logout');
        self::demand(self::isText($claims, 'sid') || self::isText($claims, 'sub'), 'neither sid nor sub');
        return $claims;
    }

    /** Signature, type, issuer, audience and times: what both kinds share. */
    private function claims($token, array $types, $now)
    {
        self::demand(is_string($token) && strlen($token) <= 16384, 'token is missing or too long');
        $parts = explode('.', $token);
        self::demand(count($parts) === 3, 'token has not three parts');
        $header = GapuraText::decodeObject(GapuraText::decodeBase64($parts[0]));
        $claims = GapuraText::decodeObject(GapuraText::decodeBase64($parts[1]));
        $signature = GapuraText::decodeBase64($parts[2]);
        self::demand($header !== null && $claims !== null && $signature !== false, 'token is not readable');

        // The setting names the algorithm. `none`, or HS256 made with a public key, end here.
        $isExpected = isset($header['alg']) && $header['alg'] === $this->algorithm;
        self::demand($isExpected, 'algorithm is not ' . $this->algorithm);
        self::demand(!array_key_exists('crit', $header), 'crit is not understood');
        $type = isset($header['typ']) ? $header['typ'] : '';
        self::demand(is_string($type) && in_array(strtoupper($type), $types, true), 'typ is not of this kind of token');
        $kid = isset($header['kid']) ? $header['kid'] : null;
        $this->verifySignature($parts[0] . '.' . $parts[1], $signature, $kid, $now);

        self::demand(isset($claims['iss']) && $claims['iss'] === $this->issuer, 'issuer is not ours');
        $audience = isset($claims['aud']) ? (array) $claims['aud'] : array();
        self::demand(array_values($audience) === array($this->clientId), 'audience is not us alone');
        self::demand(!isset($claims['azp']) || $claims['azp'] === $this->clientId, 'azp is not us');
        self::demand(self::isTime($claims, 'exp') && $claims['exp'] > $now - self::LEEWAY, 'token has expired');
        self::demand(self::isTime($claims, 'iat') && $claims['iat'] < $now + self::LEEWAY, 'iat is not there or ahead');
        self::demand($claims['iat'] > $now - 86400, 'token is too old');
        self::demand(!isset($claims['nbf']) || (self::isTime($claims, 'nbf') && $claims['nbf'] < $now + self::LEEWAY),
            'token is not valid yet');
        return $claims;
    }

    private function verifySignature($signed, $signature, $kid, $now)
    {
        if ($this->algorithm === 'HS256') {
            $expected = hash_hmac('sha256', $signed, $this->secret, true);
            self::demand(hash_equals($expected, $signature), 'signature is wrong');
            return;
        }
        self::demand(is_string($kid) && $kid !== '' && strlen($kid) <= 256, 'kid is missing');
        $pem = $this->keys->find($kid, $now);
        self::demand($pem !== null, 'no key with this kid');
        $key = openssl_pkey_get_public($pem);
        self::demand($key !== false && openssl_verify($signed, $signature, $key, OPENSSL_ALGO_SHA256) === 1,
            'signature is wrong');                                         // -1 is an error, and true as a condition
    }

    private static function isText(array $claims, $name)
    {
        return isset($claims[$name]) && is_string($claims[$name]) && $claims[$name] !== '';
    }

    private static function isTime(array $claims, $name)
    {
        return isset($claims[$name]) && (is_int($claims[$name]) || is_float($claims[$name]));
    }

    private static function demand($holds, $reason)
    {
        if (!$holds) {
            throw new GapuraException('refused', $reason);
        }
    }
}

/** The guard itself. */
final class Gapura
{
    const DISCOVERY_FRESH = 3600;
    /** Sign-ins under way that one browser may have (tabs), and the seconds each has. */
    const PENDING_COUNT = 10;
    const PENDING_SECONDS = 900;

    private $settings;
    private $folder;
    private $http;

    /** @param array $settings see config.php */
    public function __construct(array $settings)
    {
        $defaults = array('issuer' => '', 'client_id' => '', 'client_secret' => '', 'base_url' => '',
            'id_token_alg' => 'RS256', 'scope' => 'openid profile asn', 'session_name' => 'app', 'data_folder' => '',
            'redirect_path' => '/callback.php', 'ca_file' => '', 'idle_seconds' => 1800, 'absolute_seconds' => 28800);
        $this->settings = array_merge($defaults, $settings);
        foreach (array('issuer', 'client_id', 'client_secret', 'base_url', 'data_folder') as $name) {
            if (!is_string($this->settings[$name]) || $this->settings[$name] === '') {
                throw new GapuraException('setup', 'setting is missing: ' . $name);
            }
        }
        if (!GapuraHttp::isAllowed($this->settings['issuer']) || !GapuraHttp::isAllowed($this->settings['base_url'])) {
            throw new GapuraException('setup', 'issuer and base_url must be https (http only on localhost)');
        }
        if (!in_array($this->settings['id_token_alg'], array('RS256', 'HS256'), true)) {
            throw new GapuraException('setup', 'id_token_alg must be RS256 or HS256');
        }
        if ($this->settings['id_token_alg'] === 'HS256' && strlen($this->settings['client_secret']) < 32) {
            throw new GapuraException('setup', 'an HS256 secret has at least 32 bytes');
        }
        if (!extension_loaded('openssl') || !ini_get('allow_url_fopen')) {
            throw new GapuraException('setup', 'PHP needs ext-openssl and allow_url_fopen=On');
        }
        $this->settings['base_url'] = rtrim($this->settings['base_url'], '/');
        $this->folder = new GapuraFolder($this->settings['data_folder']);
        $this->http = new GapuraHttp($this->settings['ca_file']);
    }

    // MARK: Pages

    /** The signed-in person's claims. Without a sign-in it sends the browser to the gateway and ends the request. */
    public function requireSignIn()
    {
        $person = $this->person();
        if ($person !== null) {
            return $person;
        }
        $mode = isset($_SERVER['HTTP_SEC_FETCH_MODE']) ? $_SERVER['HTTP_SEC_FETCH_MODE'] : 'navigate';
        if ($mode !== 'navigate') {
            http_response_code(401);               // a script asked: a redirect would not help it
            exit;
        }
        $this->startSignIn($_SERVER['REQUEST_METHOD'] === 'GET' ? $_SERVER['REQUEST_URI'] : '');
    }

    /** The signed-in person's claims, or null. Checks age, idleness and the list of ended sessions at every request. */
    public function person()
    {
        $this->startSession();
        if (!isset($_SESSION['gapura']['person'])) {
            return null;
        }
        $session = $_SESSION['gapura'];
        $now = time();
        $isOver = $now - $session['signed_in_at'] > $this->settings['absolute_seconds']
            || $now - $session['last_seen'] > $this->settings['idle_seconds'];
        if ($isOver || $this->isEnded($session['sid'], $session['sub'], $session['issued_at'])) {
            $this->forget();
            return null;
        }
        $_SESSION['gapura']['last_seen'] = $now;
        return $session['person'];
    }

    /** Sends the browser to the gateway (RFC 6749 section 4.1, PKCE RFC 7636); $returnTo is a path of this host. */
    public function startSignIn($returnTo = '')
    {
        $this->startSession();
        $endpoint = $this->endpoint('authorization_endpoint');
        $pending = isset($_SESSION['gapura']['pending']) ? $_SESSION['gapura']['pending'] : array();
        $state = self::random();
        $flow = array('nonce' => self::random(), 'verifier' => self::random(), 'started' => time(),
            'return_to' => self::isOwnPath($returnTo) ? $returnTo : '');
        $pending[$state] = $flow;
        $_SESSION['gapura']['pending'] = array_slice($pending, -self::PENDING_COUNT, null, true);
        $this->redirect($endpoint, array(
            'response_type' => 'code',
            'client_id' => $this->settings['client_id'],
            'redirect_uri' => $this->redirectUri(),
            'scope' => $this->settings['scope'],
            'state' => $state,
            'nonce' => $flow['nonce'],
            'code_challenge' => GapuraText::encodeBase64(hash('sha256', $flow['verifier'], true)),
            'code_challenge_method' => 'S256',
        ));
    }

    /** The redirect URI: checks state and `iss`, redeems the code, verifies the ID token, opens our own session. */
    public function finishSignIn()
    {
        $this->startSession();
        $flow = $this->takePending(self::query('state'));
        if ($flow === null) {
            if ($this->person() !== null) {
                $this->redirect($this->settings['base_url'] . '/');        // "back" after a sign-in that went well
            }
            throw new GapuraException('expired', 'state is unknown or too old');
        }
        $discovery = $this->discovery();
        $demandsIssuer = !empty($discovery['authorization_response_iss_parameter_supported']);
        if (($demandsIssuer || isset($_GET['iss'])) && self::query('iss') !== $this->settings['issuer']) {
            throw new GapuraException('refused', 'iss of the response is not our gateway');            // RFC 9207
        }
        if (isset($_GET['error'])) {
            $error = preg_replace('/[^a-z_]/', '', self::query('error'));
            $kind = array('access_denied' => 'denied', 'temporarily_unavailable' => 'unavailable',
                'server_error' => 'unavailable', 'login_required' => 'expired');
            throw new GapuraException(isset($kind[$error]) ? $kind[$error] : 'refused', 'gateway says ' . $error);
        }
        $answer = $this->redeem(self::query('code'), $flow['verifier']);
        $claims = $this->tokens()->idToken($answer['id_token'], $flow['nonce'], $answer['access_token'], time());
        $person = $this->userinfo($answer['access_token'], $claims['sub']);
        if ($this->isEnded($claims['sid'], $claims['sub'], $claims['iat'])) {
            throw new GapuraException('expired', 'the session ended while it began');
        }
        $this->openSession($claims, $person, $answer['id_token']);
        $origin = preg_replace('/\A([a-z]+:\/\/[^\/]+).*\z/s', '$1', $this->settings['base_url']);
        $this->redirect($flow['return_to'] === '' ? $this->settings['base_url'] . '/' : $origin . $flow['return_to']);
    }

    /** Ends our own session, then the gateway's (RP-Initiated Logout 1.0). Call it for a POST from your own form. */
    public function signOut()
    {
        if ($this->person() === null) {
            $this->redirect($this->settings['base_url'] . '/');            // another application has already ended it
        }
        $this->requireForm();
        $idToken = $_SESSION['gapura']['id_token'];
        $this->forget();
        $state = self::random();
        $_SESSION['gapura']['signed_out_state'] = $state;
        try {
            $endpoint = $this->endpoint('end_session_endpoint');
        } catch (GapuraException $error) {
            throw new GapuraException('signout', 'only the local session ended: ' . $error->getMessage());
        }
        $this->redirect($endpoint, array('id_token_hint' => $idToken, 'client_id' => $this->settings['client_id'],
            'post_logout_redirect_uri' => $this->settings['base_url'] . '/', 'state' => $state));
    }

    /** Whether this request is the way back from a sign-out that this browser asked for. */
    public function isBackFromSignOut()
    {
        $this->startSession();
        return isset($_SESSION['gapura']['signed_out_state'])
            && hash_equals($_SESSION['gapura']['signed_out_state'], self::query('state'));
    }

    /** The back-channel logout URI: the gateway, not a browser, says which session is over. */
    public function receiveBackchannelLogout()
    {
        header('Cache-Control: no-store');
        if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
            header('Allow: POST');
            http_response_code(405);
            return;
        }
        try {
            $token = isset($_POST['logout_token']) ? $_POST['logout_token'] : null;
            $claims = $this->tokens()->logoutToken($token, time());
            $this->endSession($claims);
            http_response_code(200);
        } catch (GapuraException $error) {
            error_log('gapura: back-channel logout not done: ' . $error->getMessage());
            $isBad = $error->kind === 'refused';
            http_response_code($isBad ? 400 : 503);                        // 503: the gateway shall try again
            header('Content-Type: application/json');
            echo json_encode(array('error' => $isBad ? 'invalid_request' : 'temporarily_unavailable'));
        }
    }

    // MARK: Forms

    /** A value for a hidden input named `csrf` in every form that posts. */
    public function formToken()
    {
        $this->startSession();
        if (!isset($_SESSION['gapura']['csrf'])) {
            $_SESSION['gapura']['csrf'] = self::random();
        }
        return $_SESSION['gapura']['csrf'];
    }

    /** Demands a POST with that value. */
    public function requireForm()
    {
        $sent = isset($_POST['csrf']) && is_string($_POST['csrf']) ? $_POST['csrf'] : '';
        if ($_SERVER['REQUEST_METHOD'] !== 'POST' || !hash_equals($this->formToken(), $sent)) {
            throw new GapuraException('form', 'form token is missing or old');
        }
    }

    // MARK: The application's session

    /** A session of our own: own cookie name, own folder. An application that has already started one keeps it. */
    private function startSession()
    {
        if (session_status() === PHP_SESSION_ACTIVE) {
            return;
        }
        $base = parse_url($this->settings['base_url']);
        $path = isset($base['path']) ? $base['path'] . '/' : '/';
        $isSecure = $base['scheme'] === 'https';
        $prefix = $isSecure ? ($path === '/' ? '__Host-' : '__Secure-') : '';
        session_name($prefix . $this->settings['session_name']);
        session_save_path($this->folder->folder('sessions')->path());
        ini_set('session.use_strict_mode', '1');
        ini_set('session.use_only_cookies', '1');
        ini_set('session.gc_maxlifetime', (string) $this->settings['absolute_seconds']);
        ini_set('session.gc_probability', '1');    // Debian sets 0: its cron job knows only its own folder
        ini_set('session.gc_divisor', '100');
        if (PHP_VERSION_ID < 70100) {
            ini_set('session.hash_function', 'sha256');
            ini_set('session.entropy_length', '32');
        }
        if (PHP_VERSION_ID < 70300) {
            session_set_cookie_params(0, $path . '; SameSite=Lax', '', $isSecure, true);
        } else {
            session_set_cookie_params(array('lifetime' => 0, 'path' => $path, 'secure' => $isSecure, 'httponly' => true,
                'samesite' => 'Lax'));
        }
        session_cache_limiter('nocache');
        session_start();
    }

    /** A new session id at sign-in: whoever planted the old one in this browser is left with nothing. */
    private function openSession(array $claims, array $person, $idToken)
    {
        session_regenerate_id(true);
        $now = time();
        $_SESSION = array('gapura' => array('person' => $person, 'sid' => $claims['sid'], 'sub' => $claims['sub'],
            'issued_at' => $claims['iat'], 'id_token' => $idToken, 'signed_in_at' => $now, 'last_seen' => $now));
    }

    private function forget()
    {
        $_SESSION = array();
        session_regenerate_id(true);
    }

    // MARK: The list of ended sessions

    /** Remembers as long as a session could live. The `sid` stays out of file names: its digest is the name. */
    private function endSession(array $claims)
    {
        $list = $this->folder->folder('ended');
        $list->prune($this->settings['absolute_seconds'] + 3600, time());
        if (isset($claims['sid'])) {
            $list->write(hash('sha256', 'sid:' . $claims['sid']), (string) (int) $claims['iat']);
        } else {
            $list->write(hash('sha256', 'sub:' . $claims['sub']), (string) (int) $claims['iat']);
        }
    }

    /** A `sid` ends for good; a `sub` ends what was signed in until then: an old token cannot lock a person out. */
    private function isEnded($sid, $sub, $issuedAt)
    {
        $list = $this->folder->folder('ended');
        if ($list->read(hash('sha256', 'sid:' . $sid)) !== false) {
            return true;
        }
        $until = $list->read(hash('sha256', 'sub:' . $sub));
        return $until !== false && $issuedAt <= (int) $until;
    }

    // MARK: The gateway

    /** Metadata (OpenID Connect Discovery 1.0), kept for an hour, older while the gateway is down. */
    private function discovery()
    {
        $name = 'discovery-' . hash('sha256', $this->settings['issuer']);
        $kept = json_decode((string) $this->folder->read($name), true);
        $isKept = is_array($kept) && isset($kept['fetched'], $kept['metadata']);
        if ($isKept && abs(time() - $kept['fetched']) < self::DISCOVERY_FRESH) {
            return $kept['metadata'];
        }
        try {
            $answer = $this->http->send('GET', $this->settings['issuer'] . '/.well-known/openid-configuration');
            $metadata = $answer['status'] === 200 ? GapuraText::decodeObject($answer['body']) : null;
            if ($metadata === null) {
                throw new GapuraException('unavailable', 'discovery answers ' . $answer['status']);
            }
            if (!isset($metadata['issuer']) || $metadata['issuer'] !== $this->settings['issuer']) {
                throw new GapuraException('setup', 'the gateway names another issuer than the setting');
            }
        } catch (GapuraException $error) {
            if ($isKept && $error->kind === 'unavailable') {
                return $kept['metadata'];
            }
            throw $error;
        }
        $this->folder->write($name, json_encode(array('fetched' => time(), 'metadata' => $metadata)));
        return $metadata;
    }

    private function endpoint($name)
    {
        $metadata = $this->discovery();
        if (!isset($metadata[$name]) || !GapuraHttp::isAllowed($metadata[$name])) {
            throw new GapuraException('setup', 'discovery has no usable ' . $name);
        }
        return $metadata[$name];
    }

    private function tokens()
    {
        $name = 'keys-' . hash('sha256', $this->settings['issuer']);
        $keys = new GapuraKeys($this->folder, $name, function () {
            return $this->fetchKeys();
        });
        return new GapuraTokens($this->settings['issuer'], $this->settings['client_id'],
            $this->settings['id_token_alg'], $this->settings['client_secret'], $keys);
    }

    /** The text of the gateway's JWKS. */
    private function fetchKeys()
    {
        $answer = $this->http->send('GET', $this->endpoint('jwks_uri'));
        if ($answer['status'] !== 200) {
            throw new GapuraException('unavailable', 'JWKS answers ' . $answer['status']);
        }
        return $answer['body'];
    }

    /** Token endpoint with client_secret_basic: id and secret form-encoded before base64 (RFC 6749 section 2.3.1). */
    private function redeem($code, $verifier)
    {
        $id = urlencode($this->settings['client_id']);
        $basic = base64_encode($id . ':' . urlencode($this->settings['client_secret']));
        $answer = $this->http->send(
            'POST',
            $this->endpoint('token_endpoint'),
            array('Authorization: Basic ' . $basic, 'Accept: application/json',
                'Content-Type: application/x-www-form-urlencoded'),
            http_build_query(array('grant_type' => 'authorization_code', 'code' => $code,
                'redirect_uri' => $this->redirectUri(), 'code_verifier' => $verifier), '', '&')
        );
        $body = GapuraText::decodeObject($answer['body']);
        if ($answer['status'] !== 200) {
            $error = isset($body['error']) && is_string($body['error']) ? $body['error'] : '';
            $error = preg_replace('/[^a-z_]/', '', $error);
            $kinds = array('invalid_client' => 'setup', 'unauthorized_client' => 'setup', 'invalid_grant' => 'expired');
            $kind = $answer['status'] >= 500 ? 'unavailable' : (isset($kinds[$error]) ? $kinds[$error] : 'refused');
            throw new GapuraException($kind, 'token endpoint answers ' . $answer['status'] . ' ' . $error);
        }
        if (!isset($body['id_token'], $body['access_token'], $body['token_type']) || !is_string($body['access_token'])
            || !is_string($body['token_type']) || strtolower($body['token_type']) !== 'bearer') {
            throw new GapuraException('refused', 'token response is not complete');
        }
        return $body;
    }

    /** The person's data (OpenID Connect Core 5.3): name, NIP, unit and post come from here, not from the ID token. */
    private function userinfo($accessToken, $sub)
    {
        $answer = $this->http->send('GET', $this->endpoint('userinfo_endpoint'),
            array('Authorization: Bearer ' . $accessToken, 'Accept: application/json'));
        $person = $answer['status'] === 200 ? GapuraText::decodeObject($answer['body']) : null;
        if ($person === null) {
            throw new GapuraException('unavailable', 'userinfo answers ' . $answer['status']);
        }
        if (!isset($person['sub']) || !is_string($person['sub']) || !hash_equals($sub, $person['sub'])) {
            throw new GapuraException('refused', 'userinfo speaks of another person');
        }
        return $person;
    }

    // MARK: Small things

    /** A sign-in under way is taken out before it is used: a state works once. */
    private function takePending($state)
    {
        $pending = isset($_SESSION['gapura']['pending']) ? $_SESSION['gapura']['pending'] : array();
        $found = null;
        foreach ($pending as $known => $flow) {
            if (hash_equals((string) $known, $state)) {
                $found = $flow;
                unset($_SESSION['gapura']['pending'][$known]);
            }
        }
        return $found !== null && time() - $found['started'] <= self::PENDING_SECONDS ? $found : null;
    }

    private function redirectUri()
    {
        return $this->settings['base_url'] . $this->settings['redirect_path'];
    }

    /** 303: the browser follows with GET, whatever it sent here. */
    private function redirect($url, array $parameters = array())
    {
        $glue = strpos($url, '?') === false ? '?' : '&';
        $query = http_build_query($parameters, '', '&', PHP_QUERY_RFC3986);
        session_write_close();
        header('Cache-Control: no-store');
        header('Location: ' . $url . ($query === '' ? '' : $glue . $query), true, 303);
        exit;
    }

    /** A path of this host: not `//elsewhere`, not `/\elsewhere`, no control characters. */
    private static function isOwnPath($path)
    {
        return is_string($path) && strlen($path) <= 2048 && preg_match('/\A\/(?![\/\\\\])[\x21-\x7e]*\z/', $path) === 1;
    }

    /** A parameter of the query; an array (`state[]=`) counts as missing. */
    private static function query($name)
    {
        return isset($_GET[$name]) && is_string($_GET[$name]) ? $_GET[$name] : '';
    }

    /** 256 random bits as base64url. */
    private static function random()
    {
        $isStrong = false;
        $bytes = openssl_random_pseudo_bytes(32, $isStrong);
        if ($bytes === false || !$isStrong) {
            throw new GapuraException('unavailable', 'no strong random numbers');
        }
        return GapuraText::encodeBase64($bytes);
    }
}
