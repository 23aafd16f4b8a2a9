using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Erasing;
using Pimm.Core.Importing;
using Pimm.Core.Statistics;
using Pimm.Core.Suppressing;

namespace Pimm.Jobs.CommandLine;

/// <summary>suppress add, import, lift, list, check: who must not be contacted.</summary>
public static class SuppressCommand
{
    private static readonly Option<string?> Channel = new("--channel") { Description = "only this channel (default: all)" };
    private static readonly Option<string> Reason = new("--reason") { Description = "do-not-contact, or objection: then the person leaves scoring and training too", DefaultValueFactory = _ => SuppressionEntry.DoNotContact };
    private static readonly Option<string> Source = new("--source") { Description = "where it was said, for example \"letter of 3 May\"", Required = true };

    public static Command Create() => new("suppress", "who must not be contacted: opt-outs and objections") { Add(), Import(), Lift(), List(), Check() };

    private static Command Add() => new Command("add", "records one person's opt-out; it stays until it is lifted, whatever is imported")
    {
        PersonArguments.Email, PersonArguments.Phone, PersonArguments.CustomerRef, PersonArguments.Country, Channel, Reason, Source, Invocation.JsonOption,
    }.Does(async (call, cancellationToken) =>
    {
        var (kind, value) = PersonArguments.One(call);
        var counts = await AddAsync(call, kind, [value], cancellationToken);
        if (counts.Unusable > 0)
            throw new InputException(PersonArguments.Unusable(kind));
        var unknown = kind == "customer" && !await call.Service<ErasureRequests>().IsKnownAsync(CustomerHash.Of(value.Trim()), cancellationToken);
        call.Print(counts, lines =>
        {
            lines.WriteLine(counts.Added > 0 ? "Suppressed from now on, on lists that are allocated already too." : "It is suppressed so already.");
            if (unknown)
                lines.WriteLine("No audience has a customer of this key: check it; it holds for whoever comes with it.");
        });
        return ExitCode.Done;
    });

    private static Command Import()
    {
        var file = new Argument<string>("file") { Description = "delimited text with a header, plain or gzip, UTF-8" };
        var column = new Option<string>("--column") { Description = "the column that holds them", Required = true };
        var kind = new Option<string>("--kind") { Description = "what they are: email, phone or customer", DefaultValueFactory = _ => "email" };
        return new Command("import", "records the opt-outs of a list; hashes of addresses cannot be used, they have to be addresses")
        {
            file, column, kind, PersonArguments.Country, Channel, Reason, Source, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            using var reader = DelimitedReader.Open(call.Arguments.GetRequiredValue(file));
            var values = ColumnOf(reader, reader.Names.PlaceOf(call.Arguments.GetRequiredValue(column)));
            var counts = await AddAsync(call, call.Arguments.GetValue(kind)!, values, cancellationToken);
            call.Print(counts, lines => Show(counts, lines));
            return ExitCode.Done;
        });
    }

    private static Command Lift()
    {
        var because = new Option<string>("--because") { Description = "why the person may be contacted again, for example \"asked for it by phone, call 4711\"", Required = true };
        var role = new Option<string>("--role") { Description = "in which function you decide it, for example \"data protection officer\"", Required = true };
        return new Command("lift", "takes one person's opt-out back; recorded with its reason, for ever")
        {
            PersonArguments.Email, PersonArguments.Phone, PersonArguments.CustomerRef, PersonArguments.Country, Channel, Reason, because, role, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            var why = new OptOut(call.Arguments.GetValue(Channel), call.Arguments.GetValue(Reason)!, call.Arguments.GetRequiredValue(because), $"{AuditActor.CommandLine} ({call.Arguments.GetRequiredValue(role)})");
            var key = await KeyAsync(call, cancellationToken);
            var lifted = await call.Service<OptOuts>().LiftAsync(why, key, cancellationToken);
            var held = await call.Service<OptOuts>().CheckAsync(key, cancellationToken);
            call.Print(new { lifted, held = held.Select(Document) }, lines =>
            {
                lines.WriteLine(lifted > 0 ? string.Create(CultureInfo.InvariantCulture, $"{lifted} opt-outs do not hold any more.") : "Nothing was lifted: no such opt-out holds.");
                if (held.Count > 0)
                    lines.WriteLine("Still withheld, until these are lifted by name too:");
                foreach (var one in held)
                    lines.WriteLine($"  {one.Kind} {one.Shown}…  {Line(one)}");
            });
            return ExitCode.Done;
        });
    }

    private static Command List()
    {
        var limit = new Option<int>("--limit") { Description = "how many of the newest", DefaultValueFactory = _ => 20 };
        return new Command("list", "how many opt-outs hold, and the newest; nobody can be told by it") { limit, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var store = call.Service<SuppressionStore>();
            var counts = await store.CountsAsync(cancellationToken);
            var newest = await store.NewestAsync(call.Arguments.GetValue(limit), cancellationToken);
            call.Print(new { counts, newest = newest.Select(Document) }, lines =>
            {
                foreach (var count in counts)
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count.Rows,10:N0}  {count.Reason} by {count.Kind}, {count.Channel ?? "every channel"}"));
                foreach (var one in newest)
                    lines.WriteLine($"{one.Kind} {one.Shown}…  {Line(one)}");
                if (counts.Count == 0)
                    lines.WriteLine("No opt-out holds.");
            });
            return ExitCode.Done;
        });
    }

    private static Command Check() => new Command("check", "whether one person is withheld from lists, and why")
    {
        PersonArguments.Email, PersonArguments.Phone, PersonArguments.CustomerRef, PersonArguments.Country, Invocation.JsonOption,
    }.Does(async (call, cancellationToken) =>
    {
        var key = await KeyAsync(call, cancellationToken);
        var held = await call.Service<OptOuts>().CheckAsync(key, cancellationToken);
        var consents = key.Customer is { } customer ? await call.Service<ConsentStore>().OfAsync(customer, cancellationToken) : [];
        call.Print(new { withheld = held.Count > 0, reasons = held.Select(Document), consents }, lines =>
        {
            lines.WriteLine(held.Count > 0 ? "Withheld:" : "Not withheld.");
            foreach (var one in held)
                lines.WriteLine($"  {Line(one)}");
            foreach (var consent in consents)
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {(consent.Granted ? "agreed" : "did not agree")} to {consent.Purpose} on {consent.Channel}, {consent.At:yyyy-MM-dd HH:mm} UTC, {consent.Source}"));
        });
        return ExitCode.Done;
    });

    private static Task<OptOutCounts> AddAsync(Invocation call, string kind, IEnumerable<string> values, CancellationToken cancellationToken) =>
        call.Service<OptOuts>().AddAsync(
            new OptOut(call.Arguments.GetValue(Channel), call.Arguments.GetValue(Reason)!, call.Arguments.GetRequiredValue(Source), AuditActor.CommandLine),
            kind, values, PersonArguments.CountryOf(call), cancellationToken);

    private static async Task<SuppressionKey> KeyAsync(Invocation call, CancellationToken cancellationToken)
    {
        var (kind, value) = PersonArguments.One(call);
        return await call.Service<OptOuts>().KeyOfAsync(kind, value, PersonArguments.CountryOf(call), cancellationToken)
            ?? throw new InputException(PersonArguments.Unusable(kind));
    }

    /// <summary>A row that cannot be read counts as one that cannot be used.</summary>
    private static IEnumerable<string> ColumnOf(DelimitedReader reader, int place)
    {
        while (reader.Read(out var problem))
            yield return problem is null ? System.Text.Encoding.UTF8.GetString(reader[place]) : "";
    }

    private static void Show(OptOutCounts counts, TextWriter lines)
    {
        lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{counts.Received:N0} rows: {counts.Added:N0} suppressed, {counts.Known:N0} were so already, {counts.Unusable:N0} cannot be used"));
        if (counts.Hashed > 0)
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{counts.Hashed:N0} of them are hashes: a plain SHA-256 cannot be compared with the keyed hashes that are kept here. Ask for the addresses themselves; they are hashed at the door and not kept."));
    }

    private static object Document(Suppression one) => new { one.Kind, key = one.Shown, one.Channel, one.Reason, one.At, one.Source, one.RecordedBy };

    private static string Line(Suppression one) => string.Create(CultureInfo.InvariantCulture,
        $"{one.Reason}, {one.Channel ?? "every channel"}, since {one.At:yyyy-MM-dd HH:mm} UTC ({one.Source}; recorded by {one.RecordedBy})");
}
