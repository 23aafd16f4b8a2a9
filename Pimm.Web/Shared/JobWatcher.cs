using System.Collections.Concurrent;
using System.Threading.Channels;
using Dapper;
using Npgsql;
using Pimm.Core.Queueing;

namespace Pimm.Web.Shared;

/// <summary>
/// Hears every change of a run once for the whole process (LISTEN pimm_job) and hands the run's new row to the pages that watch;
/// everything else that changes is told by its topic (LISTEN pimm_news). However many pages are open, a change costs one query.
/// </summary>
public sealed class JobWatcher(NpgsqlDataSource database, JobQueue queue, ILogger<JobWatcher> log) : BackgroundService
{
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly Channel<long> news = Channel.CreateUnbounded<long>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<object, Action<JobRun?>> watchers = new();
    private readonly ConcurrentDictionary<object, (string Prefix, Action Changed)> readers = new();

    /// <summary>Calls <paramref name="changed"/> with each changed run, or with null when changes may have been missed. Dispose to stop.</summary>
    public IDisposable Watch(Action<JobRun?> changed)
    {
        var (key, language) = (new object(), ExecutionContext.Capture());
        watchers[key] = run => Call(language, () => changed(run));
        return new Watching(() => watchers.TryRemove(key, out _));
    }

    /// <summary>
    /// Calls <paramref name="changed"/> when news of a topic arrive that begins with <paramref name="prefix"/> ("campaign/7", "notice"),
    /// or when some may have been missed. Dispose to stop.
    /// </summary>
    public IDisposable Watch(string prefix, Action changed)
    {
        var (key, language) = (new object(), ExecutionContext.Capture());
        readers[key] = (prefix, () => Call(language, changed));
        return new Watching(() => readers.TryRemove(key, out _));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(ListenAsync(stoppingToken), DeliverAsync(stoppingToken));

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(cancellationToken);
                connection.Notification += (_, notification) => Hear(notification.Channel, notification.Payload);
                await connection.ExecuteAsync("listen pimm_job; listen pimm_news");
                Tell(null);
                TellReaders(null);
                while (true)
                {
                    await connection.WaitAsync(cancellationToken);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception lost)
            {
                log.LogWarning("No news of runs, trying again in {Pause}: {Reason}", Pause, lost.Message);
                await Task.Delay(Pause, cancellationToken).ContinueWith(_ => { }, CancellationToken.None);
            }
        }
    }

    private void Hear(string channel, string payload)
    {
        if (channel == "pimm_news")
        {
            TellReaders(payload);
        }
        else if (long.TryParse(payload, System.Globalization.CultureInfo.InvariantCulture, out var id))
        {
            news.Writer.TryWrite(id);
        }
    }

    private async Task DeliverAsync(CancellationToken cancellationToken)
    {
        var changed = new HashSet<long>();
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await news.Reader.WaitToReadAsync(cancellationToken);
                await Task.Delay(Gather, cancellationToken);
                while (news.Reader.TryRead(out var id))
                {
                    changed.Add(id);
                }

                foreach (var id in watchers.IsEmpty ? [] : changed)
                {
                    Tell(await queue.GetAsync(id, cancellationToken));
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failed)
            {
                log.LogWarning("Changed runs could not be read: {Reason}", failed.Message);
            }

            changed.Clear();
        }
    }

    private void Tell(JobRun? run)
    {
        foreach (var watcher in watchers.Values)
        {
            watcher(run);
        }
    }

    private void TellReaders(string? topic)
    {
        foreach (var (prefix, changed) in readers.Values)
        {
            if (topic is null || topic.StartsWith(prefix, StringComparison.Ordinal))
            {
                changed();
            }
        }
    }

    // A page speaks the language of whoever renders it: out of here that would be the machine's.
    private static void Call(ExecutionContext? language, Action changed)
    {
        if (language is null)
        {
            changed();
        }
        else
        {
            ExecutionContext.Run(language, static call => ((Action)call!)(), changed);
        }
    }

    private sealed class Watching(Action stop) : IDisposable
    {
        public void Dispose() => stop();
    }
}
