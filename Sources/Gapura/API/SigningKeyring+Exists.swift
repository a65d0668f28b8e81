#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension SigningKeyring {
    /// Whether the folder has keys already.
    package static func exists(folder: String) -> Bool {
        access("\(folder)/\(KeysFolder.ring)", F_OK) == 0
    }
}
