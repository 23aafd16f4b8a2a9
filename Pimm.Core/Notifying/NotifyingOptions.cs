using System.Net;

namespace Pimm.Core.Notifying;

/// <summary>Settings section <c>Notifying</c>: where notices may go, and how patiently.</summary>
public sealed class NotifyingOptions
{
    /// <summary>Hosts that may be told without TLS, as "host" or "host:port". Default none: https only.</summary>
    public string[] AllowHttp { get; set; } = [];

    /// <summary>Networks of this house that may be told, as "10.1.0.0/16". Default none: public addresses only.</summary>
    public string[] AllowNetworks { get; set; } = [];

    /// <summary>Pauses between tries, one a retry, each above zero and at most 30 days. Default none given: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.</summary>
    public TimeSpan[]? Retries { get; set; }

    /// <summary>How long a receiver may take for its answer. Default 10 s, 0.1 s to 60 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a worker looks for notices that are due. Default 1 s, 0.05 s to 60 s.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Deliveries of one worker at once. Default 4, 1 to 100.</summary>
    public int AtOnce { get; set; } = 4;

    /// <summary>Between two looks of a process for what people should know. Default 10 s, 0.5 s to 10 min.</summary>
    public TimeSpan Look { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Days that notices are kept after their last delivery ended. Default 90, 1 to 3,660.</summary>
    public int KeepDays { get; set; } = 90;

    /// <summary>The same as standardwebhooks.com proposes.</summary>
    internal static readonly TimeSpan[] Published =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
        TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    /// <summary>A worker that died is given up after this; longer than any answer takes.</summary>
    internal TimeSpan Claim => Timeout + TimeSpan.FromSeconds(20);

    /// <summary>The pause behind a try; null: it was the last one.</summary>
    /// <param name="attempt">1 for the first</param>
    public TimeSpan? PauseAfter(int attempt) => (Retries ?? Published) is var pauses && attempt <= pauses.Length ? pauses[attempt - 1] : null;

    /// <param name="attempt">1 for the first</param>
    internal bool IsBeyondLast(int attempt) => attempt > (Retries ?? Published).Length + 1;

    /// <exception cref="InputException">a setting is out of its range</exception>
    public NotifyingOptions Validated()
    {
        if (Retries is { } pauses && pauses.Any(pause => pause <= TimeSpan.Zero || pause > TimeSpan.FromDays(30)))
            throw new InputException($"The setting Notifying:Retries has {string.Join(", ", pauses)}: each pause must be above zero and at most 30 days.");
        if (Look < TimeSpan.FromSeconds(0.5) || Look > TimeSpan.FromMinutes(10))
            throw new InputException($"The setting Notifying:Look is {Look}: it must be between 0.5 s and 10 minutes.");
        if (Timeout < TimeSpan.FromSeconds(0.1) || Timeout > TimeSpan.FromMinutes(1))
            throw new InputException($"The setting Notifying:Timeout is {Timeout}: it must be between 00:00:00.1 and 00:01:00.");
        if (Poll < TimeSpan.FromSeconds(0.05) || Poll > TimeSpan.FromMinutes(1))
            throw new InputException($"The setting Notifying:Poll is {Poll}: it must be between 00:00:00.05 and 00:01:00.");
        if (AtOnce is < 1 or > 100)
            throw new InputException($"The setting Notifying:AtOnce is {AtOnce}: it must be between 1 and 100.");
        if (KeepDays is < 1 or > 3_660)
            throw new InputException($"The setting Notifying:KeepDays is {KeepDays}: it must be between 1 and 3660.");
        if (AllowNetworks.FirstOrDefault(network => !IPNetwork.TryParse(network, out _)) is { } bad)
            throw new InputException($"The setting Notifying:AllowNetworks has \"{bad}\": write a network as 10.1.0.0/16.");
        return this;
    }
}
