using Pimm.Core.Importing;

namespace Pimm.Core.Outcomes;

/// <summary>Events that came together over HTTP.</summary>
/// <param name="Source">who counted them: the name of the key; an event's id is unique within its source, for ever</param>
/// <param name="Events">each one's JSON</param>
/// <param name="Atomic">one event that must be put aside refuses all of them</param>
/// <param name="Audience">of customer outcomes that name no campaign; null: those are put aside</param>
public sealed record OutcomeBatch(string Source, IReadOnlyList<ReadOnlyMemory<byte>> Events, FunnelOrder Order, bool Atomic, Audience? Audience)
{
    /// <summary>Events of one batch at most.</summary>
    public const int MostEvents = 2_000;

    /// <summary>Errors that an answer lists at most.</summary>
    public const int ListedErrors = 100;
}

/// <summary>What became of a batch; received = accepted + duplicate + quarantined.</summary>
/// <param name="Duplicate">counted before, or more than once in the batch, whatever is wrong with the others of the same event_id</param>
/// <param name="Quarantined">put aside with a reason, to be tried again by `pimm outcomes replay`</param>
/// <param name="Late">of the accepted: their campaign's window had closed</param>
/// <param name="Weak">of the accepted: without an event_id, so two that say the same count as one</param>
/// <param name="Errors">why events were put aside, the first 100 by index</param>
public sealed record BatchAnswer(int Received, int Accepted, int Duplicate, int Quarantined, int Late, int Weak, IReadOnlyList<EventProblem> Errors);

/// <summary>What an audience got of a batch.</summary>
internal sealed record AudienceShare(long AudienceId, long Accepted, long Weak, long Late);

/// <summary>Which audience a campaign's events belong to.</summary>
internal sealed record CampaignPlace(long Id, long AudienceId);
