<?php
/** Notes the time in the application's own session. A real application writes a row keyed by `sub`. */

require __DIR__ . '/../app.php';

$gapura->requireSignIn();
$gapura->requireForm();
$times = isset($_SESSION['attendance']) ? $_SESSION['attendance'] : array();
array_unshift($times, time());
$_SESSION['attendance'] = array_slice($times, 0, 10);
header('Location: ' . rtrim($settings['base_url'], '/') . '/', true, 303);
