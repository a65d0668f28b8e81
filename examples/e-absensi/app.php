<?php
/** What every page of e-absensi begins with: the guard, the settings, and one way out for errors. */

require __DIR__ . '/gapura.php';
require __DIR__ . '/page.php';

ini_set('display_errors', '0');
ini_set('log_errors', '1');
set_exception_handler('showError');

$settings = require __DIR__ . '/config.php';
date_default_timezone_set($settings['time_zone']);
sendPageHeaders($settings['issuer']);
$gapura = new Gapura($settings);
