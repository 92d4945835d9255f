<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" indent="yes"/>
  <xsl:strip-space elements="*"/>

  <!-- Whatever no other template names stays as it is. -->
  <xsl:template match="@*|node()">
    <xsl:copy>
      <xsl:apply-templates select="@*|node()"/>
    </xsl:copy>
  </xsl:template>

  <!-- What real-time operation asks of the domain. -->
  <xsl:template match="/domain">
    <xsl:copy>
      <xsl:apply-templates select="@*|node()"/>
      <metadata>
        <xsl:apply-templates select="metadata/*"/>
        <quietcore-guest:guest xmlns:quietcore-guest="urn:quietcore:guest:1" kernel="rt" isolated="1">
          <xsl:if test="not(os/kernel)">
            <xsl:attribute name="cmdline">root=/dev/vda1 ro console=ttyS0 isolcpus=managed_irq,domain,1 nohz=on nohz_full=1 rcu_nocbs=1 irqaffinity=0 systemd.cpu_affinity=0 skew_tick=1 nosoftlockup nowatchdog</xsl:attribute>
          </xsl:if>
          <quietcore-guest:tuned name="plc-guest" role="guest"/>
        </quietcore-guest:guest>
        <quietcore:policy xmlns:quietcore="urn:quietcore:policy:1" restart="never" shutdownTimeout="120"/>
      </metadata>
      <memoryBacking>
        <hugepages>
          <page size="2" unit="MiB"/>
        </hugepages>
        <nosharepages/>
      </memoryBacking>
      <iothreads>1</iothreads>
      <cputune>
        <vcpupin vcpu="0" cpuset="0"/>
        <vcpupin vcpu="1" cpuset="1"/>
        <emulatorpin cpuset="0"/>
        <iothreadpin iothread="1" cpuset="0"/>
        <vcpusched vcpus="1" scheduler="rr" priority="1"/>
      </cputune>
      <numatune>
        <memory mode="strict" nodeset="0"/>
      </numatune>
      <features>
        <xsl:apply-templates select="features/*"/>
        <pmu state="off"/>
        <vmport state="off"/>
      </features>
      <cpu mode="custom" match="exact" check="none">
        <model fallback="forbid">Opteron_G2</model>
        <topology sockets="1" dies="1" cores="2" threads="1"/>
      </cpu>
      <clock offset="utc">
        <timer name="hpet" present="no"/>
      </clock>
      <pm>
        <suspend-to-mem enabled="no"/>
        <suspend-to-disk enabled="no"/>
      </pm>
      <devices>
        <xsl:apply-templates select="devices/*"/>
        <xsl:if test="not(devices/channel/target[@name='org.qemu.guest_agent.0'])">
          <channel type="unix">
            <target type="virtio" name="org.qemu.guest_agent.0"/>
          </channel>
        </xsl:if>
        <xsl:if test="not(devices/serial or devices/console)">
          <serial type="pty">
            <target port="0"/>
          </serial>
          <console type="pty">
            <target type="serial" port="0"/>
          </console>
        </xsl:if>
        <controller type="usb" model="none"/>
        <memballoon model="none"/>
      </devices>
    </xsl:copy>
  </xsl:template>

  <!-- Said anew above. -->
  <xsl:template match="/domain/metadata | /domain/memoryBacking | /domain/iothreads | /domain/cputune | /domain/numatune | /domain/features | /domain/cpu | /domain/clock | /domain/pm | /domain/devices | /domain/features/pmu | /domain/features/vmport | /domain/metadata/*[namespace-uri()='urn:quietcore:guest:1'] | /domain/metadata/*[namespace-uri()='urn:quietcore:policy:1']"/>

  <!-- Devices that wake the emulator or the guest at times of their own. -->
  <xsl:template match="/domain/devices/graphics | /domain/devices/video | /domain/devices/sound | /domain/devices/audio | /domain/devices/input | /domain/devices/rng | /domain/devices/memballoon | /domain/devices/redirdev | /domain/devices/controller[@type='usb']"/>

  <!-- The guest's kernel command line, in the order in which the kernel must read it. -->
  <xsl:template match="/domain/os[kernel]">
    <xsl:copy>
      <xsl:apply-templates select="@*|node()"/>
      <cmdline>root=/dev/vda1 ro console=ttyS0 isolcpus=managed_irq,domain,1 nohz=on nohz_full=1 rcu_nocbs=1 irqaffinity=0 systemd.cpu_affinity=0 skew_tick=1 nosoftlockup nowatchdog</cmdline>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/os[kernel]/cmdline"/>

  <!-- Disks bypass the host's page cache; virtio disks have one queue and share out the IOThreads. -->
  <xsl:template match="/domain/devices/disk[@type='file' or @type='block'][not(@device) or @device='disk']/driver">
    <xsl:copy>
      <xsl:apply-templates select="@*"/>
      <xsl:attribute name="cache">none</xsl:attribute>
      <xsl:attribute name="io">native</xsl:attribute>
      <xsl:if test="../target/@bus='virtio'">
        <xsl:attribute name="queues">1</xsl:attribute>
        <xsl:attribute name="iothread">
          <xsl:value-of select="count(../preceding-sibling::disk) mod 1 + 1"/>
        </xsl:attribute>
      </xsl:if>
      <xsl:apply-templates select="node()"/>
    </xsl:copy>
  </xsl:template>

  <!-- The q35 machine has no IDE: a seed image that sits there goes to SATA. -->
  <xsl:template match="/domain/devices/disk/target[@bus='ide']">
    <target dev="{concat('sd', substring(@dev, 3))}" bus="sata"/>
  </xsl:template>
</xsl:stylesheet>
