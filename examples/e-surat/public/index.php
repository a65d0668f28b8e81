<?php
/** The start page: who is signed in, and the letters for this person's post and unit. */

require __DIR__ . '/../app.php';
require __DIR__ . '/../letters.php';

if ($gapura->person() === null && $gapura->isBackFromSignOut()) {
    showPage('Anda telah keluar', '<h1>Anda telah keluar</h1>'
        . '<p>Anda telah keluar dari e-surat dan dari layanan masuk.</p>'
        . '<p><a class="button" href="login.php">Masuk lagi</a></p>');
    exit;
}
$person = $gapura->requireSignIn();
$formToken = $gapura->formToken();

$facts = array(
    'Nama' => claim($person, 'name'),
    'NIP' => claim($person, 'nip'),
    'Status pegawai' => employeeKind($person),
    'Jabatan' => claim($person, 'position', 'name'),
    'Unit kerja' => claim($person, 'unor', 'name'),
    'Perangkat daerah' => claim($person, 'opd', 'name'),
);
$rows = '';
foreach ($facts as $label => $value) {
    $id = $label === 'Nama' ? ' id="person-name"' : '';
    $rows .= '<dt>' . text($label) . '</dt><dd' . $id . '>' . ($value === '' ? '–' : text($value)) . '</dd>';
}
$read = isset($_SESSION['read']) ? $_SESSION['read'] : array();
$list = '';
foreach (incomingLetters($person) as $letter) {
    $list .= '<li><h3>' . text($letter['subject']) . '</h3><p>Dari: ' . text($letter['from']) . '</p><p>Kepada: '
        . text($letter['to']) . '</p><p class="small">Nomor ' . text($letter['number']) . '</p>';
    $list .= isset($read[$letter['id']])
        ? '<p class="small">Dibaca ' . text(dateText($read[$letter['id']])) . '</p></li>'
        : '<form method="post" action="read.php"><input type="hidden" name="csrf" value="' . text($formToken)
            . '"><button class="quiet" name="letter" value="' . text($letter['id'])
            . '" aria-label="Tandai sudah dibaca: ' . text($letter['subject'])
            . '">Tandai sudah dibaca</button></form></li>';
}

showPage(
    'Surat masuk',
    '<h1>Surat masuk</h1>'
    . '<section class="card" aria-labelledby="letters"><h2 id="letters">Untuk jabatan dan unit Anda</h2>'
    . ($list === '' ? '<p>Tidak ada surat.</p>' : '<ul class="letters" id="letter-list">' . $list . '</ul>')
    . '</section>'
    . '<section class="card" aria-labelledby="about"><h2 id="about">Data Anda</h2><dl>' . $rows . '</dl></section>',
    $person,
    $formToken
);
