using System.Diagnostics;
using Pimm.Core;
using Pimm.Core.Safekeeping;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Safekeeping;

public sealed class BackupTests
{
    [Fact]
    public async Task The_newest_are_kept_and_a_folder_that_exists_is_refused()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        world.Backups.Keep = 2;
        foreach (var old in new[] { "pimm-20200101T000000Z", "before-upgrade-20200102T000000Z" })
        {
            Directory.CreateDirectory(Path.Combine(world.Backups.Folder, old));
            await File.WriteAllTextAsync(Path.Combine(world.Backups.Folder, old, BackupManifest.FileName), "{}");
        }
        // Somebody else's, older and newer by the same order.
        foreach (var other in new[] { "site-1", "golden" })
        {
            Directory.CreateDirectory(Path.Combine(world.Backups.Folder, other));
            await File.WriteAllTextAsync(Path.Combine(world.Backups.Folder, other, BackupManifest.FileName), "{}");
        }

        var backup = await world.BackUpAsync();

        backup.Removed.Select(Path.GetFileName).ShouldBe(["pimm-20200101T000000Z"]);
        Directory.GetDirectories(world.Backups.Folder).Select(Path.GetFileName).Order()
            .ShouldBe(["before-upgrade-20200102T000000Z", "golden", Path.GetFileName(backup.Folder), "site-1"]);
        (await world.ScalarAsync<string>("select folder from backup")).ShouldBe(backup.Folder);
        (await Should.ThrowAsync<InputException>(() => world.BackUpAsync(backup.Folder))).Message.ShouldContain("exists already");
        var theirs = Directory.CreateDirectory(Path.Combine(world.Backups.Folder, "mine.tmp")).FullName;
        await File.WriteAllTextAsync(Path.Combine(theirs, "notes"), "");
        (await Should.ThrowAsync<InputException>(() => world.BackUpAsync(Path.Combine(world.Backups.Folder, "mine")))).Message.ShouldContain("mine.tmp exists already");
        Directory.Exists(theirs).ShouldBeTrue();
    }

    [Fact]
    public async Task A_full_disk_leaves_nothing_that_looks_like_a_backup()
    {
        Assert.SkipUnless(Environment.UserName == "root", "Mounting a small disk needs root.");
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        await world.ScalarAsync<long>("insert into job_run(kind, dedupe_key, arguments) select 'job', i::text, jsonb_build_object('noise', (select string_agg(md5(i::text || j::text), '') from generate_series(1, 20) j)) from generate_series(1, 3000) i");
        var disk = Directory.CreateTempSubdirectory("pimm-small-disk-").FullName;
        await MountAsync("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk);
        try
        {
            world.Backups.Folder = disk;
            (await Should.ThrowAsync<InvalidOperationException>(() => world.BackUpAsync())).Message.ShouldContain("No space left");
            Directory.GetFileSystemEntries(disk).ShouldBeEmpty();
            // Space is back: nothing else has to be done.
            await MountAsync("mount", "-o", "remount,size=64m", disk);
            (await world.BackUpAsync()).Manifest.Rows.ShouldBeGreaterThan(3_000);
        }
        finally
        {
            await MountAsync("umount", disk);
            Directory.Delete(disk);
        }
    }

    [Fact]
    public async Task A_folder_that_may_not_be_written_is_refused_with_what_to_do()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        // A file where a folder should be refuses root, too.
        Directory.CreateDirectory(Path.GetDirectoryName(world.Backups.Folder)!);
        await File.WriteAllTextAsync(world.Backups.Folder, "");

        (await Should.ThrowAsync<InvalidOperationException>(() => world.BackUpAsync())).Message.ShouldContain("set Backup__Folder");
    }

    [Fact]
    public async Task What_is_not_a_whole_backup_is_refused()
    {
        await using var world = new BackupWorld(await TestDatabase.MigratedAsync());
        var backup = await world.BackUpAsync();
        world.LetGo();
        var torn = backup.Folder + ".tmp";
        Directory.Move(backup.Folder, torn);
        File.Delete(Path.Combine(torn, BackupManifest.FileName));

        (await Should.ThrowAsync<InputException>(() => world.RestoreAsync(torn))).Message.ShouldContain("no complete backup");
        BackupFolders.List(world.Backups.Folder).ShouldBeEmpty();
    }

    private static async Task MountAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0);
    }
}
