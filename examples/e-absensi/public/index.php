<?php
/** The start page: who is signed in, and today's attendance. */

require __DIR__ . '/../app.php';

if ($gapura->person() === null && $gapura->isBackFromSignOut()) {
    showPage('Anda telah keluar', '<h1>Anda telah keluar</h1>'
        . '<p>Anda telah keluar dari e-absensi dan dari layanan masuk.</p>'
        . '<p><a class="button" href="login.php">Masuk lagi</a></p>');
    exit;
}
$person = $gapura->requireSignIn();

$facts = array(
    'NIP' => claim($person, 'nip'),
    'Status pegawai' => employeeKind($person),
    'Jabatan' => claim($person, 'position', 'name'),
    'Unit kerja' => claim($person, 'unor', 'name'),
    'Perangkat daerah' => claim($person, 'opd', 'name'),
);
$rows = '';
foreach ($facts as $label => $value) {
    $rows .= '<dt>' . text($label) . '</dt><dd>' . ($value === '' ? '–' : text($value)) . '</dd>';
}
$times = isset($_SESSION['attendance']) ? $_SESSION['attendance'] : array();
$list = '';
foreach ($times as $seconds) {
    $list .= '<li>' . text(dateText($seconds)) . '</li>';
}
$formToken = $gapura->formToken();

showPage(
    'Kehadiran',
    '<h1>Selamat datang, <span id="person-name">' . text(claim($person, 'name')) . '</span></h1>'
    . '<section class="card" aria-labelledby="about"><h2 id="about">Data Anda</h2><dl>' . $rows . '</dl></section>'
    . '<section class="card" aria-labelledby="attendance"><h2 id="attendance">Kehadiran</h2>'
    . '<form id="attendance-form" method="post" action="attendance.php"><input type="hidden" name="csrf" value="'
    . text($formToken) . '"><button id="attendance-submit">Catat kehadiran</button></form>'
    . ($list === '' ? '<p>Belum ada catatan pada sesi ini.</p>' : '<ul id="attendance-list">' . $list . '</ul>')
    . '</section>',
    $person,
    $formToken
);
