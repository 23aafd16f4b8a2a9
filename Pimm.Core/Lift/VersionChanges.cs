using System.Globalization;

namespace Pimm.Core.Lift;

/// <summary>What is new in a report against the version before it.</summary>
public static class VersionChanges
{
    public static LiftChanges Since(StoredLiftReport stored, LiftReport before, LiftReport now)
    {
        LiftChange[] numbers = Numbers(now).Select(number => Change(Numbers(before).FirstOrDefault(old => old.Key == number.Key), number))
            .Where(change => change.Before != change.Now).ToArray();
        (LiftIntake? then, LiftIntake? today) = (before.Origin?.Intake, now.Origin?.Intake);
        return new LiftChanges(stored.Version, stored.AsOf, today?.Files - then?.Files, today?.Rows - then?.Rows, numbers, Sentences(stored, before, now).ToArray());
    }

    private static IEnumerable<LiftNumber> Numbers(LiftReport report) => report.Numbers.Concat(report.Amount?.Numbers ?? []);

    private static LiftChange Change(LiftNumber? before, LiftNumber now) =>
        new(now.Key, now.Name, now.Unit, before?.Estimate, now.Estimate, now.Estimate - before?.Estimate);

    private static IEnumerable<string> Sentences(StoredLiftReport stored, LiftReport before, LiftReport now)
    {
        if (before.Verdict?.Status != now.Verdict?.Status)
            yield return $"The verdict was {before.Verdict?.Status ?? "not given"} and is {now.Verdict?.Status ?? "not given"}.";
        if (stored.CodeVersion != now.Origin?.CodeVersion)
            yield return $"The code was {stored.CodeVersion} and is {now.Origin?.CodeVersion}.";
        if (!before.Windows.Closed && now.Windows.Closed)
            yield return "The last window has closed.";
        int waves = now.Windows.Waves.Count - before.Windows.Waves.Count;
        if (waves != 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{waves:+0;-0} {(waves is 1 or -1 ? "wave" : "waves")}.");
        foreach (string name in before.Checks.Concat(now.Checks).Select(check => check.Name).Distinct())
            if (OfCheck(name, before.Checks.FirstOrDefault(check => check.Name == name), now.Checks.FirstOrDefault(check => check.Name == name)) is { } sentence)
                yield return sentence;
        foreach (LiftGuardrail guardrail in now.Guardrails ?? [])
            if ((before.Guardrails ?? []).FirstOrDefault(other => other.Metric == guardrail.Metric) is { } old && old.State != guardrail.State)
                yield return $"The guardrail {guardrail.Metric} was {old.State} and is {guardrail.State}.";
    }

    private static string? OfCheck(string name, LiftCheck? before, LiftCheck? now)
    {
        if (now is null)
            return $"The check \"{name}\" is no longer made{(before?.Alarm == true ? "; it alarmed before" : "")}.";
        return now.Alarm == (before?.Alarm ?? false) ? null : $"The check \"{name}\" {(now.Alarm ? "alarms now" : "alarms no longer")}.";
    }
}
