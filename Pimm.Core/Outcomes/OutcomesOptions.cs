namespace Pimm.Core.Outcomes;

/// <summary>Settings section <c>Outcomes</c>: where outcome files are dropped, how long events are waited for, how many come at once.</summary>
public sealed class OutcomesOptions
{
    /// <summary>
    /// Folder that holds a folder for each audience, called by the audience's name or id; files are dropped there, or in a folder
    /// below it that is called by the events' source. Default "inbox" below the working folder.
    /// </summary>
    public string Inbox { get; set; } = "inbox";

    /// <summary>Source of the events of files that lie in an audience's folder itself. Default "inbox".</summary>
    public string Source { get; set; } = "inbox";

    /// <summary>A file is complete when neither its size nor its time changes for so long. Default 3 s, 0 to 10 min.</summary>
    public TimeSpan Quiet { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Days after a campaign's window has closed in which its events are still taken; later ones are put aside. Default 7, 0 to 3,660.</summary>
    public int GraceDays { get; set; } = 7;

    /// <summary>Batches over HTTP that one web process stores at once. Default 4, 1 to 100; each holds a connection.</summary>
    public int BatchesAtOnce { get; set; } = 4;

    /// <summary>Batches over HTTP that wait for one of those; more are sent away with 429. Default 16, 0 to 1,000.</summary>
    public int WaitingBatches { get; set; } = 16;

    /// <exception cref="InputException">a setting is out of its range</exception>
    public void Validate()
    {
        if (string.IsNullOrWhiteSpace(Inbox) || string.IsNullOrWhiteSpace(Source))
        {
            throw new InputException($"The settings Outcomes:Inbox and Outcomes:Source are \"{Inbox}\" and \"{Source}\": give both a name.");
        }
        if (Quiet < TimeSpan.Zero || Quiet > TimeSpan.FromMinutes(10))
        {
            throw new InputException($"The setting Outcomes:Quiet is {Quiet}: it must be between 00:00:00 and 00:10:00.");
        }
        Within(nameof(GraceDays), GraceDays, 0, 3_660);
        Within(nameof(BatchesAtOnce), BatchesAtOnce, 1, 100);
        Within(nameof(WaitingBatches), WaitingBatches, 0, 1_000);
    }

    private static void Within(string name, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new InputException($"The setting Outcomes:{name} is {value}: it must be between {least} and {most}.");
        }
    }
}
