namespace Pimm.Core.Suppressing;

/// <summary>The last gate: SQL conditions that leave out whoever must not be contacted, or not be learned from. They look at the rows of the moment in which they run.</summary>
public static class SuppressionGate
{
    /// <summary>Whether a customer may be on a list of a channel now.</summary>
    /// <param name="customerColumn">SQL: the customer's uuid</param>
    /// <param name="channelParameter">SQL: the channel as text</param>
    /// <param name="purposeParameter">SQL: the purpose that needs consent, null within SQL where none does; null: there is none</param>
    public static string Sql(string customerColumn, string channelParameter, string? purposeParameter) => purposeParameter is null
        ? NotSuppressed(customerColumn, channelParameter)
        : $"{NotSuppressed(customerColumn, channelParameter)} and ({purposeParameter} is null or {Consented(customerColumn, channelParameter, purposeParameter)})";

    /// <summary>No opt-out of the channel or of every channel, no objection, not erased.</summary>
    public static string NotSuppressed(string customerColumn, string channelParameter) =>
        $"not exists (select from not_contactable barred where barred.customer = {customerColumn} and (barred.channel is null or barred.channel = {channelParameter}))";

    /// <summary>
    /// Agreed for this channel or for all, and neither took it back for this channel nor, at that time or later, for all.
    /// </summary>
    public static string Consented(string customerColumn, string channelParameter, string purposeParameter) =>
        $"""
        exists (select from consent_now given
                 where given.customer = {customerColumn} and given.purpose = {purposeParameter} and given.channel in ({channelParameter}, '{ConsentRecord.EveryChannel}') and given.granted
                   and not exists (select from consent_now taken
                                    where taken.customer = given.customer and taken.purpose = given.purpose and not taken.granted
                                      and (taken.channel = {channelParameter} or taken.channel = '{ConsentRecord.EveryChannel}' and taken.at >= given.at)))
        """;

    /// <summary>Whether models may learn from a customer's impressions: no objection, not erased. An opt-out of being contacted is no objection.</summary>
    public static string MayBeLearnedFrom(string customerColumn) =>
        $"not exists (select from objector apart where apart.customer = {customerColumn})";
}
