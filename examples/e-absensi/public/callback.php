<?php
/** The redirect URI. */

require __DIR__ . '/../app.php';

$gapura->finishSignIn();
