<?php
/** Marks a letter as read, in the application's own session. */

require __DIR__ . '/../app.php';
require __DIR__ . '/../letters.php';

$person = $gapura->requireSignIn();
$gapura->requireForm();
foreach (incomingLetters($person) as $letter) {
    if (isset($_POST['letter']) && $_POST['letter'] === $letter['id']) {
        $_SESSION['read'][$letter['id']] = time();
    }
}
header('Location: ' . rtrim($settings['base_url'], '/') . '/', true, 303);
