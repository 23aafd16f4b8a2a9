using Pimm.Core.Scoring;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>The count of one page: a new question stops the old one's statement, and a late answer is never shown.</summary>
public sealed class LiveCount : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private CancellationTokenSource? asking;
    private string? key;

    public EligibilityForecast? Found { get; private set; }

    public string? Failure { get; private set; }

    public bool IsCounting { get; private set; }

    /// <summary>Counts, unless the same was asked last.</summary>
    /// <param name="question">what the count depends on; null: nothing can be counted yet</param>
    /// <param name="changed">told whenever there is something else to show</param>
    public async Task AskAsync(string? question, Func<CancellationToken, Task<EligibilityForecast>> count, Func<Task> changed)
    {
        if (question == key)
        {
            return;
        }
        key = question;
        await StopAsync();
        (Found, Failure, IsCounting) = (null, null, question is not null);
        if (question is null)
        {
            return;
        }
        var mine = asking = new CancellationTokenSource();
        await changed();
        try
        {
            await Task.Delay(Pause, mine.Token);
            var found = await count(mine.Token);
            if (mine == asking)
            {
                (Found, IsCounting) = (found, false);
            }
        }
        catch (Exception) when (mine.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error)
        {
            (Failure, IsCounting) = (Pimm.Core.Database.PostgresErrors.Translate(error).Message, false);
        }
        await changed();
    }

    /// <summary>Asks again what failed.</summary>
    public void Forget() => key = null;

    public void Dispose() => asking?.Cancel();

    private async Task StopAsync()
    {
        if (asking is not null)
        {
            await asking.CancelAsync();
            asking = null;
        }
    }
}
