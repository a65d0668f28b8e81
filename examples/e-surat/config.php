<?php
/**
 * Settings of e-surat, read from environment variables. Nothing secret is written here: this file may be in a
 * repository.
 *
 * Under Apache use SetEnv, under PHP-FPM `env[NAME] = value` in the pool file; see README.md.
 */

/** An environment variable, or the default where it is not set. */
$read = function ($name, $default) {
    $value = getenv($name);
    return $value === false || $value === '' ? $default : $value;
};

/** The secret from a variable, or better from a file that only the web user reads. */
$readSecret = function () use ($read) {
    $file = $read('CLIENT_SECRET_FILE', '');
    if ($file === '') {
        return $read('CLIENT_SECRET', '');
    }
    $secret = @file_get_contents($file);
    if ($secret === false) {
        throw new GapuraException('setup', 'CLIENT_SECRET_FILE cannot be read: give its whole path, and let this user read it');
    }
    if (DIRECTORY_SEPARATOR === '/' && (fileperms($file) & 007) !== 0) {
        throw new GapuraException('setup', 'CLIENT_SECRET_FILE can be read by everybody: chmod 600');
    }
    return rtrim($secret, "\r\n");
};

$user = function_exists('posix_geteuid') ? posix_geteuid() : get_current_user();
// Applications on one host share cookies, whatever their ports: each has a session name of its own.
$name = preg_replace('/[^A-Za-z0-9-]/', '-', $read('CLIENT_ID', 'e-surat'));

return array(
    'issuer' => $read('GAPURA_ISSUER', 'http://localhost:8080'),
    'client_id' => $read('CLIENT_ID', ''),
    'client_secret' => $readSecret(),
    'base_url' => $read('BASE_URL', 'http://127.0.0.1:8082'),
    'id_token_alg' => 'HS256',
    'scope' => 'openid profile asn',
    'session_name' => $name . '-session',
    'data_folder' => $read('DATA_FOLDER', sys_get_temp_dir() . '/' . $name . '-' . $user),
    'ca_file' => $read('GAPURA_CA_FILE', ''),
    'time_zone' => $read('TIME_ZONE', 'Asia/Jakarta'),
);
