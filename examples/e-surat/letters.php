<?php
/** The demo's incoming letters. A real application reads rows for the person's unit and post from its own database. */

/** Letters for this person: to the post, to the unit, and to the whole agency. */
function incomingLetters(array $person)
{
    $name = claim($person, 'name');
    $position = claim($person, 'position', 'name');
    $unit = claim($person, 'unor', 'name');
    $agency = claim($person, 'opd', 'name');
    $letters = array(
        array('id' => 'post', 'number' => '005/101/2026', 'subject' => 'Undangan rapat koordinasi',
            'from' => 'Sekretariat Daerah', 'to' => $position === '' ? $name : $position),
        array('id' => 'unit', 'number' => '800/214/2026', 'subject' => 'Pemutakhiran data pegawai',
            'from' => 'BKPSDM', 'to' => $unit),
        array('id' => 'agency', 'number' => '555/087/2026', 'subject' => 'Pemberlakuan masuk tunggal (SSO)',
            'from' => 'Dinas Komunikasi dan Informatika', 'to' => $agency),
    );
    return array_values(array_filter($letters, function ($letter) {
        return $letter['to'] !== '';
    }));
}
