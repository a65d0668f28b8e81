<?php
/** A test runner of thirty lines: `check(name, closure)`, and a summary with an exit code. */

$GLOBALS['passed'] = 0;
$GLOBALS['failed'] = 0;

/** A warning or a deprecation is a failure too. */
set_error_handler(function ($level, $message, $file, $line) {
    if ((error_reporting() & $level) === 0) {
        return false;                                                      // silenced with @
    }
    throw new ErrorException($message, 0, $level, $file, $line);
});

/** Runs one fact; the closure returns true where it holds. */
function check($name, $body)
{
    try {
        $result = $body();
    } catch (Exception $error) {
        $result = get_class($error) . ': ' . $error->getMessage();
    }
    if ($result === true) {
        $GLOBALS['passed'] += 1;
        return;
    }
    $GLOBALS['failed'] += 1;
    echo 'FAILED ', $name, is_string($result) ? ' (' . $result . ')' : '', "\n";
}

/** Whether the closure ends in a GapuraException of this kind, with a reason that contains this text. */
function refuses($body, $reason, $kind = 'refused')
{
    try {
        $body();
    } catch (GapuraException $error) {
        $isAsked = $error->kind === $kind && ($reason === '' || strpos($error->getMessage(), $reason) !== false);
        return $isAsked ? true : 'other refusal: ' . $error->kind . ', ' . $error->getMessage();
    }
    return 'not refused';
}

function finish()
{
    echo $GLOBALS['passed'], ' passed, ', $GLOBALS['failed'], " failed\n";
    exit($GLOBALS['failed'] === 0 ? 0 : 1);
}

/** A folder for this run, removed at its end. */
function temporaryFolder()
{
    $path = sys_get_temp_dir() . '/gapura-test-' . getmypid();
    $remove = function ($folder) use (&$remove) {
        foreach (array_diff((array) @scandir($folder), array('.', '..')) as $name) {
            is_dir($folder . '/' . $name) ? $remove($folder . '/' . $name) : unlink($folder . '/' . $name);
        }
        @rmdir($folder);
    };
    register_shutdown_function($remove, $path);
    return new GapuraFolder($path);
}
