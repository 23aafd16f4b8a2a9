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
    /// Agreed for this channel or for all, and neither took it back for this channel nor, at that time or later, for all. Looked up
    /// customer by customer, so that a list costs what it is long and not what all consents are.
    /// </summary>
    public static string Consented(string customerColumn, string channelParameter, string purposeParameter) =>
        $"""
        exists (select from (values (1)) asked(once)
                  left join lateral ({Newest(customerColumn, channelParameter, purposeParameter)}) own on true
                  left join lateral ({Newest(customerColumn, $"'{ConsentRecord.EveryChannel}'", purposeParameter)}) every on true
                 where case when own.granted is null then every.granted
                            when not own.granted then false
                            else every.granted is null or every.granted or own.at > every.at end)
        """;

    private static string Newest(string customer, string channel, string purpose) =>
        $"select said.granted, said.at from consent said where said.customer = {customer} and said.purpose = {purpose} and said.channel = {channel} order by said.at desc, said.granted limit 1";

    /// <summary>Whether models may learn from a customer's impressions: no objection, not erased. An opt-out of being contacted is no objection.</summary>
    public static string MayBeLearnedFrom(string customerColumn) =>
        $"not exists (select from objector apart where apart.customer = {customerColumn})";
}
