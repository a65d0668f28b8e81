<?php
/** The look of e-absensi: one frame, one error page, texts in Indonesian. Everything foreign goes through text(). */

/** HTML of a value; whatever is no text becomes nothing. */
function text($value)
{
    return is_string($value) || is_int($value) ? htmlspecialchars((string) $value, ENT_QUOTES, 'UTF-8') : '';
}

/** A member of a claim, such as `unor` and `name`; an empty text where the person has none. */
function claim(array $person, $name, $member = null)
{
    $value = isset($person[$name]) ? $person[$name] : '';
    if ($member !== null) {
        $value = is_array($value) && isset($value[$member]) ? $value[$member] : '';
    }
    return is_string($value) ? $value : '';
}

/** The employee kind in words. */
function employeeKind(array $person)
{
    $names = array('PNS' => 'Pegawai Negeri Sipil (PNS)', 'CPNS' => 'Calon Pegawai Negeri Sipil (CPNS)',
        'PPPK' => 'PPPK', 'PPPK_PW' => 'PPPK paruh waktu', 'NON_ASN' => 'Non-ASN');
    $kind = claim($person, 'employee_kind');
    return isset($names[$kind]) ? $names[$kind] : $kind;
}

/** A date and a time as they are written in Indonesia, with the name of the zone. */
function dateText($seconds)
{
    $months = array('Januari', 'Februari', 'Maret', 'April', 'Mei', 'Juni', 'Juli', 'Agustus', 'September', 'Oktober',
        'November', 'Desember');
    $zones = array('+07:00' => 'WIB', '+08:00' => 'WITA', '+09:00' => 'WIT');
    $offset = date('P', $seconds);
    return date('j', $seconds) . ' ' . $months[(int) date('n', $seconds) - 1] . ' ' . date('Y, H.i', $seconds) . ' '
        . (isset($zones[$offset]) ? $zones[$offset] : $offset);
}

/** No script, no other host, no frame. A form may end at the gateway, because signing out leads there. */
function sendPageHeaders($issuer)
{
    $gateway = preg_replace('/\A(https?:\/\/[^\/;\s]+).*\z/s', '$1', $issuer);
    header_remove('X-Powered-By');
    header('Content-Type: text/html; charset=utf-8');
    header('Cache-Control: no-store');
    header('X-Content-Type-Options: nosniff');
    header('Referrer-Policy: same-origin');
    header("Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self'; "
        . "form-action 'self' " . $gateway . "; frame-ancestors 'none'; base-uri 'none'");
}

/** Prints a page; $content is finished HTML. */
function showPage($title, $content, $person = null, $formToken = '')
{
    echo '<!doctype html><html lang="id"><head><meta charset="utf-8">'
        . '<meta name="viewport" content="width=device-width, initial-scale=1">'
        . '<title>' . text($title) . ' – e-absensi</title>'
        . '<link rel="stylesheet" href="style.css"><link rel="icon" href="icon.svg" type="image/svg+xml"></head><body>'
        . '<header><p class="brand"><img src="icon.svg" alt="" width="32" height="32"> e-absensi</p>';
    if ($person !== null) {
        echo '<form id="logout-form" method="post" action="logout.php"><input type="hidden" name="csrf" value="'
            . text($formToken) . '"><button id="logout-confirm" class="quiet">Keluar</button></form>';
    }
    echo '</header><main>' . $content . '</main>'
        . '<footer><p>Contoh aplikasi. Masuk lewat Gapura.</p></footer></body></html>';
}

/** The exception handler: what happened and what to do, in words; the reason goes to the log and not to the browser. */
function showError($error)
{
    $kind = $error instanceof GapuraException ? $error->kind : 'fault';
    $texts = array(
        'setup' => array('Aplikasi belum siap',
            'Pengaturan aplikasi ini belum lengkap. Mohon beri tahu pengelola aplikasi; penyebabnya ada di log server.',
            'The application is not set up; its log says why.'),
        'expired' => array('Waktu masuk habis',
            'Permintaan masuk ini sudah tidak berlaku. Silakan masuk kembali. Bila terjadi lagi, izinkan cookie.',
            'This sign-in is no longer valid. Please start again.'),
        'denied' => array('Tidak ada akses',
            'Anda tidak memiliki akses ke aplikasi ini. Hubungi admin perangkat daerah.',
            'You may not use this application. Ask the administrator of your agency.'),
        'refused' => array('Masuk ditolak',
            'Jawaban layanan masuk tidak dapat dipercaya dan tidak dipakai. Coba lagi, atau hubungi pengelola.',
            'The answer of the sign-in service could not be verified.'),
        'unavailable' => array('Layanan masuk belum dapat dihubungi',
            'Tunggu sebentar, lalu coba lagi. Bila berlanjut, hubungi Diskominfo.',
            'The sign-in service cannot be reached. Please try again shortly.'),
        'form' => array('Formulir kedaluwarsa',
            'Halaman ini terbuka terlalu lama. Kembali, muat ulang, lalu kirim lagi.',
            'This form is too old. Go back, reload, and send it again.'),
        'signout' => array('Baru keluar dari aplikasi ini',
            'Layanan masuk belum dapat dihubungi. Keluar juga dari portal, terutama di komputer bersama.',
            'You left this application only. Please sign out at the portal as well.'),
        'fault' => array('Terjadi kesalahan',
            'Mohon coba lagi. Bila berlanjut, hubungi pengelola aplikasi.',
            'Something went wrong. Please try again.'),
    );
    error_log('e-absensi: ' . $kind . ': ' . $error->getMessage());
    if (!headers_sent()) {
        http_response_code($error instanceof GapuraException ? $error->status() : 500);
        header('Content-Type: text/html; charset=utf-8');
    }
    $shown = isset($texts[$kind]) ? $texts[$kind] : $texts['fault'];
    showPage(
        $shown[0],
        '<h1>' . text($shown[0]) . '</h1><div role="alert"><p>' . text($shown[1]) . '</p>'
        . '<p lang="en" class="small">' . text($shown[2]) . '</p></div>'
        . '<p class="small">Kode: <span id="error-code">' . text($kind) . '</span></p>'
        . '<p><a class="button" href="' . ($kind === 'form' ? './' : 'login.php') . '">'
        . ($kind === 'signout' ? 'Masuk lagi' : 'Coba lagi') . '</a></p>'
    );
}
