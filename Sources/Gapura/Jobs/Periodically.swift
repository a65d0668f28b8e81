import ServiceLifecycle

/// Runs work now and then again after each pause, until shutdown. A pause ends early then; work under way is finished.
func periodically(every pause: Duration, _ work: @Sendable () async -> Void) async {
    while !Task.isCancelled, !Task.isShuttingDownGracefully {
        await work()
        // The only error is the cancellation, which the condition sees.
        try? await cancelWhenGracefulShutdown {
            try await Task.sleep(for: pause)
        }
    }
}
