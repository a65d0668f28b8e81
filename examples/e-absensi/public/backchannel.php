<?php
/** The back-channel logout URI: the gateway posts a logout token, and no browser is involved. */

require __DIR__ . '/../app.php';

$gapura->receiveBackchannelLogout();
