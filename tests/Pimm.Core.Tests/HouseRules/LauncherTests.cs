using System.Diagnostics;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.HouseRules;

/// <summary>The launcher's own decisions, with everything it would set up replaced by words.</summary>
public sealed class LauncherTests : IDisposable
{
    private const string Stubs =
        """
        program_of() { echo echo; }
        ensure_packages() { :; }
        require_sdk_and_build() { :; }
        load_database_settings() { Database__ConnectionString=set; }
        ensure_parts() { :; }
        ensure_cluster() { echo cluster; }
        prepare_database() { echo migrated; }
        """;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pimm-launcher-");

    [Theory]
    [InlineData("backup", "cluster backup")]
    [InlineData("restore", "cluster restore")]
    [InlineData("retain", "migrated retain")]
    public async Task A_backup_leaves_the_schema_as_it_is(string verb, string expected)
    {
        File.Copy(Path.Combine(SourceFile.Root, "pimm"), Path.Combine(folder.FullName, "pimm"));
        var scripts = folder.CreateSubdirectory("scripts").FullName;
        foreach (var script in Directory.EnumerateFiles(Path.Combine(SourceFile.Root, "scripts"), "*.sh"))
            await File.WriteAllTextAsync(Path.Combine(scripts, Path.GetFileName(script)), Path.GetFileName(script) == "doctor.sh" ? Stubs : "");

        (await RunAsync(Path.Combine(folder.FullName, "pimm"), verb)).ShouldBe(expected);
    }

    [Theory]
    [InlineData("", "worker trainer web")]
    [InlineData("export Queueing__NotKinds__0=train; ", "worker web")]
    public async Task Trainings_have_a_worker_of_their_own_unless_the_settings_say_which_kinds(string before, string expected) =>
        (await RunAsync("-c", $". '{SourceFile.Root}/scripts/up.sh'; {before}process_names")).ShouldBe(expected);

    private static async Task<string> RunAsync(params string[] arguments)
    {
        using var bash = Process.Start(new ProcessStartInfo("bash", arguments) { RedirectStandardOutput = true })!;
        var output = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        bash.ExitCode.ShouldBe(0);
        return string.Join(' ', output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    public void Dispose() => folder.Delete(recursive: true);
}
