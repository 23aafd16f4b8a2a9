using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Outcomes;

namespace Pimm.Jobs.CommandLine;

/// <summary>audiences list, currency: what amounts are counted in.</summary>
public static class AudiencesCommand
{
    public static Command Create() => new("audiences", "audiences, and the currency that their amounts are in") { List(), Currency() };

    private static Command List() => new Command("list", "all audiences with their currency") { Invocation.JsonOption }.Does(async (call, cancellationToken) =>
    {
        var audiences = await call.Service<AudienceCurrencies>().ListAsync(cancellationToken);
        call.Print(new { Audiences = audiences }, lines =>
        {
            foreach (var audience in audiences)
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{audience.Id,4}  {audience.Currency ?? "-",-3}  {audience.Name}"));
            if (audiences.Count == 0)
                lines.WriteLine("No audiences.");
        });
        return ExitCode.Done;
    });

    private static Command Currency()
    {
        var id = new Argument<long>("id") { Description = "the audience's number, as audiences list shows it" };
        var code = new Argument<string>("currency") { Description = "three capital letters, as EUR" };
        return new Command("currency", "puts right the currency that the first outcome named; refused while amounts in another one count") { id, code, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var (audience, currency) = (call.Arguments.GetRequiredValue(id), call.Arguments.GetRequiredValue(code));
            var corrected = await call.Service<AudienceCurrencies>().SetAsync(audience, currency, AuditActor.CommandLine, cancellationToken);
            call.Print(corrected, lines =>
            {
                lines.WriteLine(corrected.Before == currency
                    ? $"Amounts of audience {audience} are in {currency} already."
                    : $"Amounts of audience {audience} are in {currency} from now on{(corrected.Before is { } before ? $", no longer in {before}" : "")}.");
                if (corrected.Unnamed > 0 && corrected.Before != currency)
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{corrected.Unnamed:N0} amounts that named no currency are taken to be in it."));
                if (corrected.Before != currency)
                    lines.WriteLine("What was put aside as other_currency is tried again by: pimm outcomes replay --code other_currency");
            });
            return ExitCode.Done;
        });
    }
}
