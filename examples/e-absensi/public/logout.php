<?php
/** The sign-out button: a POST with the form token, from here to the gateway. */

require __DIR__ . '/../app.php';

$gapura->signOut();
