<?php
/** Sign-in without a detour: for the portal's tile (`initiate_login_uri`, OpenID Connect Core section 4). */

require __DIR__ . '/../app.php';

if (isset($_GET['iss']) && $_GET['iss'] !== $settings['issuer']) {
    throw new GapuraException('refused', 'sign-in was asked for with another gateway');
}
if ($gapura->person() === null) {
    $gapura->startSignIn();
}
header('Location: ' . rtrim($settings['base_url'], '/') . '/', true, 303);
