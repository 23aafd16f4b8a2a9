namespace Pimm.Core.Outcomes;

/// <summary>Settings section <c>Outcomes</c>: where outcome files are dropped.</summary>
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
    }
}
