<?php
/**
 * Checks that the PHP examples keep to PHP 5.6: `php examples/check-php56.php` (Debian: php-parser, php-cli); with a
 * folder as its argument, those in that folder.
 *
 * Every file is parsed in PHP 5 mode, functions, constants and classes that PHP 5.6 lacks are refused, and the
 * examples' common file (the guard) must be the same everywhere.
 */

require '/usr/share/php/PhpParser/autoload.php';

use PhpParser\Node;

/** Names that came after PHP 5.6 and are easily reached for. */
const NEWER_FUNCTIONS = 'random_bytes random_int intdiv preg_replace_callback_array error_clear_last get_resources
    is_iterable hash_hkdf session_create_id session_gc is_countable hrtime array_key_first array_key_last
    password_algos mb_str_split get_mangled_object_vars str_contains str_starts_with str_ends_with fdiv get_debug_type
    get_resource_id preg_last_error_msg array_is_list fsync fdatasync openssl_cipher_key_length
    openssl_pkcs7_read curl_upkeep json_validate mb_str_pad array_find array_any array_all mb_trim mb_ucfirst
    sapi_windows_vt100_support mb_ord mb_chr mb_scrub ftp_append hash_hmac_algos
    stream_isatty spl_object_id sodium_crypto_secretbox sodium_crypto_sign_verify_detached sodium_base642bin';
const NEWER_CONSTANTS = 'JSON_THROW_ON_ERROR JSON_INVALID_UTF8_SUBSTITUTE JSON_INVALID_UTF8_IGNORE
    JSON_UNESCAPED_LINE_TERMINATORS PREG_UNMATCHED_AS_NULL PHP_INT_MIN PHP_FLOAT_EPSILON PHP_OS_FAMILY PHP_FD_SETSIZE
    PASSWORD_ARGON2I PASSWORD_ARGON2ID';
const NEWER_CLASSES = 'Error TypeError ArgumentCountError ArithmeticError DivisionByZeroError ParseError ValueError
    UnhandledMatchError JsonException Throwable WeakReference WeakMap Stringable CompileError HashContext';

/** Collects what a file uses that PHP 5.6 does not have. */
final class NewerThan56 extends PhpParser\NodeVisitorAbstract
{
    public $found = array();
    private $names;

    public function __construct()
    {
        $split = function ($text) {
            return array_flip(preg_split('/\s+/', strtolower($text)));
        };
        $this->names = array('function' => $split(NEWER_FUNCTIONS), 'constant' => $split(NEWER_CONSTANTS),
            'class' => $split(NEWER_CLASSES));
    }

    public function enterNode(Node $node)
    {
        if ($node instanceof Node\Expr\FuncCall && $node->name instanceof Node\Name) {
            $this->look('function', $node->name);
            $most = array('session_start' => 0, 'dirname' => 1);
            $name = $node->name->toLowerString();
            if (isset($most[$name]) && count($node->args) > $most[$name]) {
                $this->found[] = array($node->getLine(), 'this argument of ' . $name);
            }
        } elseif ($node instanceof Node\Expr\ConstFetch) {
            $this->look('constant', $node->name);
        } elseif ($node instanceof Node\Stmt\Catch_) {
            if (count($node->types) > 1) {
                $this->found[] = array($node->getLine(), 'several types in one catch');
            }
            array_map(function ($type) {
                $this->look('class', $type);
            }, $node->types);
        } elseif (($node instanceof Node\Expr\New_ || $node instanceof Node\Expr\Instanceof_
            || $node instanceof Node\Expr\StaticCall) && $node->class instanceof Node\Name) {
            $this->look('class', $node->class);
        } elseif ($node instanceof Node\Stmt\ClassConst
            && ($node->flags & Node\Stmt\Class_::VISIBILITY_MODIFIER_MASK) !== 0) {
            $this->found[] = array($node->getLine(), 'visibility of a constant');
        } elseif ($node instanceof Node\FunctionLike && $node->getReturnType() !== null) {
            $this->found[] = array($node->getLine(), 'a return type');
        } elseif ($node instanceof Node\Param && $node->type !== null) {
            $type = $node->type instanceof Node\NullableType ? '?' : strtolower((string) $node->type);
            if (in_array($type, array('?', 'int', 'string', 'bool', 'float', 'iterable', 'object', 'mixed'), true)) {
                $this->found[] = array($node->getLine(), 'the parameter type ' . $type);
            }
        } elseif ($node instanceof Node\Expr\BinaryOp\Coalesce || $node instanceof Node\Expr\BinaryOp\Spaceship
            || $node instanceof Node\Expr\YieldFrom || $node instanceof Node\Stmt\GroupUse
            || ($node instanceof Node\Expr\New_ && $node->class instanceof Node\Stmt\Class_)) {
            $this->found[] = array($node->getLine(), $node->getType());
        } elseif ($node instanceof Node\Expr\Assign && $node->var instanceof Node\Expr\Array_) {
            $this->found[] = array($node->getLine(), 'destructuring with [ ]');
        }
    }

    private function look($kind, Node\Name $name)
    {
        if (isset($this->names[$kind][$name->toLowerString()])) {
            $this->found[] = array($name->getLine(), 'the ' . $kind . ' ' . $name);
        }
    }
}

$folder = isset($argv[1]) ? $argv[1] : __DIR__;
$files = array();
$walk = new RecursiveIteratorIterator(new RecursiveDirectoryIterator($folder, FilesystemIterator::SKIP_DOTS));
foreach ($walk as $file) {
    if ($file->getExtension() === 'php' && strpos($file->getPathname(), '/.build') === false) {
        $files[] = $file->getPathname();
    }
}
sort($files);

$problems = array();
$parser = (new PhpParser\ParserFactory())->create(PhpParser\ParserFactory::ONLY_PHP5);
foreach ($files as $file) {
    try {
        $tree = $parser->parse(file_get_contents($file));
    } catch (PhpParser\Error $error) {
        $problems[] = $file . ': ' . $error->getMessage();
        continue;
    }
    $visitor = new NewerThan56();
    $traverser = new PhpParser\NodeTraverser();
    $traverser->addVisitor($visitor);
    $traverser->traverse($tree);
    foreach ($visitor->found as $found) {
        $problems[] = $file . ':' . $found[0] . ': PHP 5.6 has not ' . $found[1];
    }
}

// One guard, copied: an example must stand alone, and a mended fault must reach every copy.
foreach (array('gapura.php', 'tests/check.php') as $common) {
    $one = $folder . '/e-absensi/' . $common;
    $other = $folder . '/e-surat/' . $common;
    if (!is_file($one) || !is_file($other) || sha1_file($one) !== sha1_file($other)) {
        $problems[] = 'e-absensi/' . $common . ' and e-surat/' . $common . ' differ';
    }
}

foreach ($problems as $problem) {
    echo 'FAILED ', $problem, "\n";
}
echo max(0, count($files) - count($problems)), ' passed, ', count($problems), " failed\n";
exit($files === array() || $problems !== array() ? 1 : 0);
